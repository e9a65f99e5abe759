"""Is this machine ready? What is wrong is named with the way to mend it; exit code 1: not ready.

Looks at Python and the libraries, which renderer answers and whether it is a GPU, video codecs (by
using them), torch's device, cores and memory that may really be used, disk and clock, and the
optional extras.

Example: loopyard doctor
Example: loopyard doctor --runs /data/runs
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from loopyard.core.machine import total_memory_bytes, usable_cores
from loopyard.store.events import filesystem_of
from loopyard.store.space import GIB, free_bytes
from loopyard.surface.checkup.clock import check_clock, watch_clocks
from loopyard.surface.checkup.codecs import check_codecs
from loopyard.surface.checkup.disk import (
    check_disk,
    check_fsync,
    existing,
    fsync_milliseconds,
)
from loopyard.surface.checkup.extras import check_extras
from loopyard.surface.checkup.finding import Finding, describe
from loopyard.surface.console import Console
from loopyard.surface.graphics import GL_ADVICE, Probe, probe

OLDEST_PYTHON = (3, 11)
GIB_A_WORKER = 2
SLOW_FRAME_S = 20.0
LIBRARIES = ("numpy", "mujoco", "gymnasium", "torch", "pyarrow", "av")
BUSY = 0.5
"""More than so many other processes a core that want to run: figures measured now are too low."""
NVIDIA = Path("/dev/nvidiactl")


@dataclass(frozen=True)
class Options:
    """Where to look."""

    runs: Path = Path("runs")
    """folder that campaigns will write into; it need not be there yet"""


def run(options: Options, console: Console) -> int:
    """Prints every finding; 1 where something stands in the way, else 0."""
    folder = existing(options.runs)
    checks: list[Callable[[], Finding | list[Finding]]] = [
        check_python,
        check_libraries,
        check_torch,
        lambda: check_graphics(probe()),
        check_codecs,
        lambda: check_cores(usable_cores(), os.cpu_count() or 1, os.getloadavg()[0]),
        lambda: check_memory(total_memory_bytes(), usable_cores()),
        lambda: check_disk(free_bytes(folder), filesystem_of(folder), folder),
        lambda: check_fsync(fsync_milliseconds(folder), folder),
        lambda: check_clock(watch_clocks()),
        check_extras,
    ]
    findings: list[Finding] = []
    for check in checks:
        found = check()
        for finding in found if isinstance(found, list) else [found]:
            findings.append(finding)
            console.print(describe(finding))
    ready = all(finding.status != "fail" for finding in findings)
    answer = {"ready": ready, "checks": [asdict(finding) for finding in findings]}
    console.result(answer, "ready" if ready else "not ready: see the lines marked FAIL")
    return 0 if ready else 1


def check_python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", "ok", found)
    return Finding("python", "fail", found, "Python 3.11 or newer is needed")


def check_libraries() -> Finding:
    versions, missing = [], []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        advice = "install them: pip install -c constraints.txt -e ."
        return Finding("libraries", "fail", f"missing: {', '.join(missing)}", advice)
    return Finding("libraries", "ok", ", ".join(versions))


def check_torch() -> Finding:
    """Loads torch, since a library that is there may still not load."""
    try:
        import torch
    except Exception as error:
        advice = "install it again: pip install --force-reinstall -c constraints.txt torch"
        return Finding("torch", "fail", f"does not load: {error}", advice)
    threads = torch.get_num_threads()
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        found = f"{torch.__version__} on {', '.join(names)}; {threads} threads"
        return Finding("torch", "ok", found)
    found = f"{torch.__version__} on the CPU, {threads} threads"
    if NVIDIA.exists():
        advice = (
            "there is an NVIDIA driver: install a torch built for CUDA (pytorch.org says which)"
        )
        return Finding("torch", "warn", found, advice)
    return Finding("torch", "ok", found)


def check_graphics(result: Probe) -> Finding:
    if not result.works:
        advice = f"on Debian and Ubuntu: {GL_ADVICE}"
        if "MUJOCO_GL" in os.environ:
            advice += f"; MUJOCO_GL is set to '{os.environ['MUJOCO_GL']}', without it egl is used"
        return Finding("graphics", "fail", f"no camera can render: {result.error}", advice)
    kind = "software, on the processor" if result.software else "GPU"
    vendor = f" by {result.vendor}" if result.vendor else ""
    found = f"{result.renderer}{vendor} ({kind}), first frame after {result.seconds:.1f} s"
    if result.seconds > SLOW_FRAME_S:
        return Finding("graphics", "warn", found, "rendering works, but starts slowly")
    if result.software and NVIDIA.exists():
        advice = (
            "there is an NVIDIA driver that does not render: install libnvidia-gl of its version"
        )
        return Finding("graphics", "warn", found, advice)
    return Finding("graphics", "ok", found)


def check_cores(cores: int, there: int, load: float) -> Finding:
    """cores: usable; there: of the whole machine; load: processes that want to run."""
    limited = f" of {there}: the rest is not for this process (container or affinity)"
    found = f"{cores} usable{limited if there > cores else ''}, load {load:.1f}"
    if load > there + BUSY * cores:
        advice = "others use them: what is measured now will look slow, and budgets hold less"
        return Finding("cores", "warn", found, advice)
    if cores >= 2:
        return Finding("cores", "ok", found)
    advice = "the demo was tuned on two: with one, expect twice the time or fewer episodes"
    return Finding("cores", "warn", found, advice)


def check_memory(total_bytes: int, cores: int) -> Finding:
    found = f"{total_bytes / GIB:.1f} GiB"
    if not total_bytes:
        return Finding("memory", "warn", "unknown", "each worker may take up to 2 GiB")
    workers = max(1, int(total_bytes / GIB / GIB_A_WORKER))
    if workers >= min(cores, 2):
        return Finding("memory", "ok", found)
    advice = f"a worker may take {GIB_A_WORKER} GiB: pass --workers {workers}"
    return Finding("memory", "warn", found, advice)
