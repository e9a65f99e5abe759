"""The disk under the runs folder: room, and how long it takes to keep a promise."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median

from loopyard.store.events import NETWORK_FILESYSTEMS
from loopyard.store.space import GIB
from loopyard.surface.checkup.finding import Finding

LEAST_FREE_GIB = 2
TRIES = 15
SLOW_FSYNC_MS = 50.0
"""A drive is made durable by a handful of these; beyond this they cost more than its rendering."""


def check_disk(free: int, filesystem: str, folder: Path) -> Finding:
    """free: bytes. filesystem: its kind, as the kernel calls it."""
    found = f"{free / GIB:.1f} GiB free in {folder} ({filesystem or 'unknown filesystem'})"
    if filesystem in NETWORK_FILESYSTEMS:
        advice = "the event log needs a local disk: put runs on one, and mirror them from there"
        return Finding("disk", "fail", found, advice)
    if free >= LEAST_FREE_GIB * GIB:
        return Finding("disk", "ok", found)
    advice = f"the demo needs {LEAST_FREE_GIB} GiB: free some, or put runs elsewhere (--set runs=)"
    return Finding("disk", "fail", found, advice)


def check_fsync(milliseconds: list[float] | str, folder: Path) -> Finding:
    """milliseconds: of each try, or what went wrong."""
    if isinstance(milliseconds, str):
        advice = "choose a folder that can be written: --runs here, runs= of a campaign"
        return Finding("fsync", "fail", f"{folder}: {milliseconds}", advice)
    typical, worst = median(milliseconds), max(milliseconds)
    found = f"{typical:.1f} ms, at worst {worst:.1f} ms, in {folder}"
    if typical <= SLOW_FSYNC_MS:
        return Finding("fsync", "ok", found)
    advice = "every episode waits for several: put runs on a local disk, or leave this one in peace"
    return Finding("fsync", "warn", found, advice)


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def fsync_milliseconds(folder: Path) -> list[float] | str:
    """How long small appends take to reach the disk; the first, which makes the file, is left out.
    The error where nothing can be written."""
    took = []
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(TRIES + 1):
                file.write(b"x" * 4096)
                file.flush()
                start = time.monotonic()
                os.fsync(file.fileno())
                took.append(1000 * (time.monotonic() - start))
    except OSError as error:
        return str(error)
    return took[1:]
