"""What machine a figure was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def usable_cores() -> int:
    """The cores this process may run on; a container's share of them counts, not the machine's."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _words("/sys/fs/cgroup/cpu.max")
    if len(quota) == 2 and quota[0].isdigit() and int(quota[1]) > 0:
        return max(1, min(cores or 1, round(int(quota[0]) / int(quota[1]))))
    return cores or 1


def total_memory_bytes() -> int:
    """The machine's memory or the container's limit, whichever is less; 0 where unknown."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
    limit = _words("/sys/fs/cgroup/memory.max")
    return min(total, int(limit[0])) if limit and limit[0].isdigit() else total


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory and system, as JSON; nothing that names a person or a host."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_gib": round(total_memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _words(path: str) -> list[str]:
    try:
        return Path(path).read_text().split()
    except OSError:
        return []
