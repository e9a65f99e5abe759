"""The victim: opens folders in a process of bounded memory and time, and says what came of it.

As a script: child.py FOLDER ...         audits each, a line of JSON for each
             child.py FOLDER --flips FIRST LAST   audits it with random bytes flipped, case by case
             child.py FOLDER --flips FIRST LAST FORM   imports such recordings of a form

A case that takes too long ends the process, as does one that crashes it; the parent sees that a
line is missing.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from loopyard.core.errors import DatasetError
from loopyard.data.audit import Thresholds, audit
from loopyard.data.audit.apart import bound_memory
from loopyard.data.dataset import open_dataset
from loopyard.data.importers import import_recordings
from loopyard.executors.local import LocalExecutor

SECONDS_A_CASE = 60
"""Of processor time; on the clock ten times as many, because the machine may be busy."""
MOST_FLIPS = 9
LIMITS = Thresholds(episodes_warn=1, chunk_size=2)


def examine(folder: Path) -> dict[str, object]:
    """What the audit says, and whether the dataset opens; anything but DatasetError is a bug."""
    with bounded_time():
        report = audit(folder, thorough=True, thresholds=LIMITS)
        try:
            open_dataset(folder)
            opens = ""
        except DatasetError as error:
            opens = str(error)
    failed = {check.name: check.found for check in report.checks if check.verdict == "fail"}
    return {"verdict": report.verdict, "failed": failed, "opens": opens, "peak_bytes": _peak()}


def read(form: str, folder: Path) -> dict[str, object]:
    """Whether the recordings are read; anything but DatasetError is a bug."""
    with bounded_time(), tempfile.TemporaryDirectory() as out:
        try:
            import_recordings(form, folder, Path(out) / "dataset", LocalExecutor(0))
            verdict, told = "pass", ""
        except DatasetError as error:
            verdict, told = "fail", str(error)
    return {"verdict": verdict, "told": told, "peak_bytes": _peak()}


@contextmanager
def bounded_time() -> Iterator[None]:
    signal.alarm(10 * SECONDS_A_CASE)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_A_CASE)
    yield
    signal.alarm(0)
    signal.setitimer(signal.ITIMER_PROF, 0)


def _peak() -> int:
    """Most memory that this program held; getrusage would tell its parent's, where that is more."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) * 1024


def flip(folder: Path, case: int, look: Callable[[Path], dict[str, object]]) -> dict[str, object]:
    """Flip a few bytes of one file, look, and put them back. All of it follows from case."""
    rng = np.random.default_rng(case)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    path = files[int(rng.integers(len(files)))]
    whole = path.read_bytes()
    damaged = bytearray(whole)
    flips = 1 + case % MOST_FLIPS
    for place in rng.integers(0, len(whole), flips):
        damaged[place] ^= int(rng.integers(1, 256))
    path.write_bytes(bytes(damaged))
    try:
        return look(folder) | {"case": case, "file": path.name, "flips": flips}
    finally:
        path.write_bytes(whole)


def main(arguments: list[str]) -> None:
    bound_memory(1024**3)
    if "--flips" in arguments:
        folder, _, first, last, *form = arguments
        look = partial(read, form[0]) if form else examine
        for case in range(int(first), int(last)):
            print(json.dumps(flip(Path(folder), case, look)), flush=True)
        return
    for folder in arguments:
        print(json.dumps(examine(Path(folder)) | {"case": folder}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
