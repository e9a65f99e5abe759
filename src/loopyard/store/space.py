"""Room on the disk: asked for before work begins, and named when it runs out."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopyard.core.errors import NoSpaceError

GIB = 1024**3
FULL_DISK_TEXTS = ("No space left on device", "Disk quota exceeded", "disk is full")
FAILED_DISK_TEXTS = ("Input/output error", "disk I/O error", "Read-only file system")


def is_no_space(error: BaseException) -> bool:
    """Whether an error says that the disk, or the user's share of it, is full.

    Libraries written in Rust and C++ (safetensors, Arrow, SQLite) raise their own types and keep
    the system's reason only in the text, so the text counts as well.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(text in str(error) for text in FULL_DISK_TEXTS)


def is_disk_failure(error: BaseException) -> bool:
    """Whether an error says that the disk failed, or turned read-only, as disks do that fail."""
    if isinstance(error, OSError) and error.errno in (errno.EIO, errno.EROFS):
        return True
    return any(text in str(error) for text in FAILED_DISK_TEXTS)


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turns a full disk inside the block into a NoSpaceError that names ``path``."""
    try:
        yield
    except NoSpaceError:
        raise
    except Exception as error:
        if not is_no_space(error):
            raise
        raise NoSpaceError(
            f"{path}: the disk is full; free some space and run the same command again"
        ) from error


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write where ``path`` is or will be."""
    folder = Path(path).absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(path: Path, needed_bytes: int, what: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        NoSpaceError: fewer than ``needed_bytes`` are free at ``path``.
    """
    free = free_bytes(path)
    if free < needed_bytes:
        raise NoSpaceError(
            f"{path}: {what} needs {needed_bytes / GIB:.1f} GiB, {free / GIB:.1f} GiB free"
        )
