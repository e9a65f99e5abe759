"""Is this machine ready? Looks at Python, the libraries, rendering, cores, memory and disk.

Example: loopyard doctor
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from loopyard.core.machine import total_memory_bytes, usable_cores
from loopyard.store.space import GIB, free_bytes
from loopyard.surface.console import Console
from loopyard.surface.graphics import GL_ADVICE, Probe, probe

Status = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)
GIB_A_WORKER = 2
LEAST_FREE_GIB = 2
SLOW_FRAME_S = 20.0
LIBRARIES = ("numpy", "mujoco", "gymnasium", "torch", "pyarrow", "av")


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at. advice: what to do, empty where all is well."""

    name: str
    status: Status
    found: str
    advice: str = ""


def run(options: Options, console: Console) -> int:
    """Prints every finding; 1 where something stands in the way, else 0."""
    checks: list[Callable[[], Finding]] = [
        check_python,
        check_libraries,
        check_torch,
        lambda: check_graphics(probe()),
        lambda: check_cores(usable_cores()),
        lambda: check_memory(total_memory_bytes(), usable_cores()),
        lambda: check_disk(free_bytes(Path.cwd())),
    ]
    findings = []
    for check in checks:
        finding = check()
        findings.append(finding)
        console.print(describe(finding))
    ready = all(finding.status != "fail" for finding in findings)
    answer = {"ready": ready, "checks": [asdict(finding) for finding in findings]}
    console.result(answer, "ready" if ready else "not ready: see the lines marked FAIL")
    return 0 if ready else 1


def describe(finding: Finding) -> str:
    """One line, and the advice below it."""
    mark = finding.status.upper() if finding.status != "ok" else "ok"
    line = f"{mark:<5} {finding.name:<10} {finding.found}"
    return f"{line}\n{'':<17}{finding.advice}" if finding.advice else line


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
    if torch.cuda.is_available():
        found = f"{torch.__version__} on {torch.cuda.get_device_name(0)}"
    else:
        found = f"{torch.__version__} on the CPU, {torch.get_num_threads()} threads"
    return Finding("torch", "ok", found)


def check_graphics(result: Probe) -> Finding:
    if not result.works:
        advice = f"on Debian and Ubuntu: {GL_ADVICE}"
        if "MUJOCO_GL" in os.environ:
            advice += f"; MUJOCO_GL is set to '{os.environ['MUJOCO_GL']}', without it egl is used"
        return Finding("graphics", "fail", f"no camera can render: {result.error}", advice)
    found = f"{result.renderer}, first frame after {result.seconds:.1f} s"
    if result.seconds > SLOW_FRAME_S:
        return Finding("graphics", "warn", found, "rendering works, but starts slowly")
    return Finding("graphics", "ok", found)


def check_cores(cores: int) -> Finding:
    if cores >= 2:
        return Finding("cores", "ok", str(cores))
    advice = "the demo was tuned on two: with one, expect twice the time or fewer episodes"
    return Finding("cores", "warn", str(cores), advice)


def check_memory(total_bytes: int, cores: int) -> Finding:
    found = f"{total_bytes / GIB:.1f} GiB"
    if not total_bytes:
        return Finding("memory", "warn", "unknown", "each worker may take up to 2 GiB")
    workers = max(1, int(total_bytes / GIB / GIB_A_WORKER))
    if workers >= min(cores, 2):
        return Finding("memory", "ok", found)
    advice = f"a worker may take {GIB_A_WORKER} GiB: pass --workers {workers}"
    return Finding("memory", "warn", found, advice)


def check_disk(free: int) -> Finding:
    found = f"{free / GIB:.1f} GiB free in {Path.cwd()}"
    if free >= LEAST_FREE_GIB * GIB:
        return Finding("disk", "ok", found)
    return Finding("disk", "fail", found, f"the demo needs {LEAST_FREE_GIB} GiB")
