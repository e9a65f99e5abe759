"""Samples how busy the machine is, beside a campaign's work, into its usage.jsonl."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from loopyard.core.errors import LoopyardError
from loopyard.core.machine import total_memory_bytes, usable_cores
from loopyard.cycle.accounts.processes import ProcessTree
from loopyard.cycle.accounts.usage import EVERY_S, Gpu, UsageRow, read_usage, thinned
from loopyard.store.atomic import write_text

GPU_EVERY_S = 30.0
"""Asking nvidia-smi costs tens of milliseconds, a thousand times as much as reading /proc."""
MOST_ROWS = 4000
"""From here on neighbours are merged: some 1 MB at most, and the mean over any stretch stays."""
GIB = 2**30
QUERY = "index,name,utilization.gpu,memory.used,memory.total"


class UsageSampler:
    """Appends a row every few seconds while it is entered; it never stops what it watches.

    used_s: the campaign's running time, as the event log counts it, which a restart goes on with.
    """

    def __init__(self, path: Path, used_s: Callable[[], float], every_s: float = EVERY_S) -> None:
        self._path, self._used_s, self._every_s = path, used_s, every_s
        self._cores = usable_cores()
        self._cpus = _own_cpus()
        self._processes = ProcessTree(os.getpid())
        self._total_gib = total_memory_bytes() / GIB
        self._gpus: tuple[Gpu, ...] = ()
        self._gpus_at_s = float("-inf")
        self._smi = shutil.which("nvidia-smi")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._rows = 0
        self._before: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __enter__(self) -> UsageSampler:
        if Path("/proc/stat").exists():
            self._rows = self._mend()
            self._before = self._counters()[:3]
            self._thread = threading.Thread(target=self._loop, name="usage", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        going = True
        while going:
            going = not self._stop.wait(self._every_s)
            with suppress(OSError, ValueError, LoopyardError):  # a full disk is others' to tell
                self.sample()

    def sample(self) -> None:
        """Append what happened since the last row."""
        at_s, busy_s, own_s, own_gib = now = self._counters()
        seconds = at_s - self._before[0]
        if seconds <= 0:
            return
        busy, own = (
            max(0.0, after - before) / seconds
            for before, after in zip(self._before[1:], (busy_s, own_s), strict=True)
        )
        self._before = now[:3]
        row = UsageRow(
            at_s=at_s,
            seconds=seconds,
            cores=self._cores,
            busy=min(busy, self._cores),
            own=min(own, self._cores),
            memory_gib=_memory_in_use_gib(),
            memory_total_gib=self._total_gib,
            own_memory_gib=own_gib,
            gpus=self._look_at_gpus(at_s),
        )
        with self._path.open("a", encoding="utf-8") as file:
            file.write(row.to_line())
        self._rows += 1
        if self._rows >= MOST_ROWS:
            rows = thinned(read_usage(self._path))
            write_text(self._path, "".join(row.to_line() for row in rows))
            self._rows = len(rows)

    def _counters(self) -> tuple[float, float, float, float]:
        """(running time, CPU seconds of the machine, of this campaign, its memory in GiB)."""
        own_s, own_bytes = self._processes.cpu_and_memory()
        busy_s = _busy_seconds(self._cpus) if self._cpus else own_s
        return self._used_s(), busy_s, own_s, own_bytes / GIB

    def _look_at_gpus(self, at_s: float) -> tuple[Gpu, ...]:
        if self._smi and at_s - self._gpus_at_s >= GPU_EVERY_S:
            self._gpus, self._gpus_at_s = _gpus(self._smi), at_s
        return self._gpus

    def _mend(self) -> int:
        """Ends a line that a crash cut; returns how many lines there are."""
        with suppress(OSError):
            text = self._path.read_bytes()
            if text and not text.endswith(b"\n"):
                with self._path.open("ab") as file:
                    file.write(b"\n")
            return text.count(b"\n")
        return 0


def _own_cpus() -> frozenset[str]:
    """The lines of /proc/stat that are ours; none where a container has only a share of cores."""
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    return frozenset(f"cpu{n}" for n in cpus) if len(cpus) == usable_cores() else frozenset()


def _busy_seconds(cpus: frozenset[str]) -> float:
    """CPU seconds at work since the machine booted, waiting for a disk not counted (proc(5))."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in cpus:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory_in_use_gib() -> float:
    """What the machine has and could not give to a new process (proc(5): MemAvailable)."""
    found = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    kib = int(found["MemTotal"].split()[0]) - int(found["MemAvailable"].split()[0])
    return kib / 2**20


def _gpus(smi: str) -> tuple[Gpu, ...]:
    """What nvidia-smi tells; nothing where it fails."""
    command = [smi, f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_gpus(told.stdout.splitlines())


def parse_gpus(lines: Iterable[str]) -> tuple[Gpu, ...]:
    """nvidia-smi's lines of `QUERY`; a GPU that does not tell a figure is left out."""
    found = []
    for fields in csv.reader(lines, skipinitialspace=True):
        with suppress(ValueError):
            _, name, use, used, total = fields
            found.append(Gpu(name, float(use) / 100, float(used) / 1024, float(total) / 1024))
    return tuple(found)
