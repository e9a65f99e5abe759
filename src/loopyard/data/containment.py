"""What lies in a dataset folder must be files of its own: no way leads out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from loopyard.core.errors import DatasetError, expected

PARTS = ("meta", "data", "videos")


def stray_entries(root: Path) -> Iterator[tuple[Path, str]]:
    """Links that lead out of the folder, and what is neither file nor folder, with what it is.

    Nothing is opened: a pipe in the place of a file would keep its reader for ever.
    """
    whole = root.resolve()
    waiting = [root / part for part in PARTS]
    for path in list(waiting):
        if path.is_symlink() and not path.resolve().is_relative_to(whole):
            yield path, f"a link to {os.readlink(path)}"
            waiting.remove(path)
    while waiting:
        folder = waiting.pop()
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_symlink():
                    if not path.resolve().is_relative_to(whole):
                        yield path, f"a link to {os.readlink(path)}"
                        continue
                    if path.is_dir():
                        yield path, "a linked folder"  # may lead in a circle
                        continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif not entry.is_file():
                    yield path, _kind(path)


def _kind(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return str(error.strerror)
    return {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(mode), "a device")


def require_contained(root: Path) -> None:
    """Raises DatasetError for the first of `stray_entries`."""
    for path, found in stray_entries(root):
        raise DatasetError(expected(str(path), "file", found, "a file within the dataset's folder"))
