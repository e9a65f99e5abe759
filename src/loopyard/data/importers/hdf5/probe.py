"""Damaged HDF5 files are met by another process first: the HDF5 library may loop or crash on them.

A byte changed in a heap of strings is enough for an endless loop inside the library, where no
exception and no signal handler of Python comes. So every file is looked through once, in a process
that may be killed: its groups and attributes, and of each array the first and the last row.
This file is also that process's program, which is why nothing of this project is imported above.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

SILENT_S = 60.0
"""A library that says nothing of the next group or array for so long has lost its way."""
MEMORY_BYTES = 4 * 1024**3
MAX_ROW_BYTES = 64 * 1024 * 1024
MAX_CHUNK_BYTES = 256 * 1024 * 1024


def require_readable(paths: Sequence[Path], silent_s: float = SILENT_S) -> None:
    """Look through each file in a process of its own.

    What can be read but does not fit a form is not found here: whoever opens it then says so.

    Raises:
        DatasetError: the library loops or crashes on a file, which is named.
    """
    from loopyard.core.errors import DatasetError, expected

    with subprocess.Popen(
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError):  # it may crash before it has read all: `_wait` tells
                process.stdin.write(json.dumps([sys.path, [str(path) for path in paths]]).encode())
                process.stdin.close()
            for path in paths:
                found = _wait(process.stdout, silent_s)
                if found is not None:
                    wanted = "a whole HDF5 file"
                    raise DatasetError(expected(str(path), "HDF5", found, wanted))
        finally:
            process.kill()


def _wait(output: IO[bytes], silent_s: float) -> str | None:
    """Until the next file is done; else what happened."""
    while select.select([output], [], [], silent_s)[0]:
        said = os.read(output.fileno(), 1)
        if said == b"\n":
            return None
        if not said:
            return "a file on which the HDF5 library crashes"
    return "a file in which the HDF5 library loses its way"


def main() -> None:
    """The other process: a dot for each group and array, the end of a line for each file."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    sys.path[:], paths = json.load(sys.stdin)
    for path in paths:
        with suppress(Exception):  # whoever opens it says what is wrong with it
            _look_through(path)
        os.write(1, b"\n")


def _look_through(path: str) -> None:
    import h5py

    with h5py.File(path, "r", locking=False) as file:
        waiting: list[Any] = [file]
        seen = set()
        while waiting:
            found = waiting.pop()
            address = hash(found.id)  # h5py makes it of the place in the file
            if address in seen:
                continue
            seen.add(address)
            os.write(1, b".")
            try:
                for value in found.attrs.values():
                    del value
                if isinstance(found, h5py.Dataset):
                    _touch(found)
            except Exception:
                continue  # the rest is looked through all the same
            if isinstance(found, h5py.Group):
                for name in found:
                    if isinstance(found.get(name, getlink=True), h5py.HardLink):
                        waiting.append(found[name])


def _touch(dataset: Any) -> None:
    dataset.id.get_storage_size()
    if dataset.is_virtual or dataset.external or not dataset.shape or not dataset.size:
        return
    row = dataset.dtype.itemsize * dataset.size // dataset.shape[0]
    chunk = dataset.dtype.itemsize
    for side in dataset.chunks or ():
        chunk *= side
    if row <= MAX_ROW_BYTES and chunk <= MAX_CHUNK_BYTES:
        dataset[0]
        dataset[dataset.shape[0] - 1]


if __name__ == "__main__":
    main()
