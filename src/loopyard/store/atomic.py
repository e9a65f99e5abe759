"""Files and folders that are whole or absent, whatever happens while they are written.

The recipe: write beside the final name in the same folder, fsync, rename, fsync the parent
(Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopyard.store.failpoint import failpoint
from loopyard.store.manifest import write_manifest
from loopyard.store.space import naming_full_disk

RENAME_EXCHANGE = 2
AT_FDCWD = -100


def write_bytes(path: Path | str, data: bytes) -> None:
    """Replace ``path`` by ``data`` durably; a crash leaves the old content or the new.

    Raises:
        NoSpaceError: the disk is full; the old content is untouched.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.tmp-{os.getpid()}-{secrets.token_hex(4)}"
    with naming_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            failpoint("file.written")
            os.replace(temporary, path)
            failpoint("file.renamed")
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        fsync_path(path.parent)


def write_text(path: Path | str, text: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())


def write_json(path: Path | str, obj: Any) -> None:
    """`write_text` of indented JSON. Numpy scalars and arrays and paths become plain values.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot say.
    """
    text = json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False, default=plain)
    write_text(path, text + "\n")


def plain(value: Any) -> Any:
    """The JSON form of what json does not know itself (its ``default=``). Raises TypeError."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form: {value!r}")


@contextmanager
def staged_folder(final: Path | str, parents: Sequence[str] = ()) -> Iterator[Path]:
    """Yields an empty folder to fill; on a clean exit it becomes ``final``, whole and durable.

    A manifest with the size and sha256 of each file is written into it, and an older folder of
    that name is replaced. After an error nothing of the new one is left. ``parents`` are digests
    of what it was made from.

    Raises:
        NoSpaceError: the disk filled up inside the block or while committing.
    """
    final = Path(final)
    with naming_full_disk(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        recover_folder(final)
        staging = final.parent / f".{final.name}.staging-{os.getpid()}"
        if staging.exists():
            shutil.rmtree(staging)
        try:
            staging.mkdir()
            yield staging
            failpoint("folder.filled")
            write_manifest(staging, parents)
            fsync_tree(staging)
            failpoint("folder.durable")
            _replace_folder(staging, final)
            failpoint("folder.renamed")
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise


def recover_folder(final: Path | str) -> None:
    """Clear up what a killed `staged_folder` of dead processes left beside ``final``.

    Where the kill fell between moving the old folder away and moving the new one in, the old one
    comes back.
    """
    final = Path(final)
    pattern = re.compile(re.escape(f".{final.name}.") + r"(staging|old)-(\d+)")
    if not final.parent.is_dir():
        return
    for path in sorted(final.parent.iterdir()):
        match = pattern.fullmatch(path.name)
        if match is None or _is_alive(int(match[2])):
            continue
        if match[1] == "old" and not final.exists():
            path.rename(final)
            fsync_path(final.parent)
        else:
            shutil.rmtree(path, ignore_errors=True)


def fsync_tree(folder: Path) -> None:
    """fsync every file and folder under ``folder``, and itself."""
    for root, _, names in os.walk(folder):
        for name in names:
            fsync_path(Path(root) / name)
        fsync_path(Path(root))


def fsync_path(path: Path | str) -> None:
    """fsync one file, or a folder so that renames in it are durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace_folder(staging: Path, final: Path) -> None:
    if not final.exists():
        staging.rename(final)
        fsync_path(final.parent)
        return
    if _exchange(staging, final):
        failpoint("folder.exchanged")
        fsync_path(final.parent)
        shutil.rmtree(staging)
        return
    old = final.parent / f".{final.name}.old-{os.getpid()}"
    if old.exists():
        shutil.rmtree(old)
    final.rename(old)
    staging.rename(final)
    fsync_path(final.parent)
    shutil.rmtree(old)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two paths in one step; False where system or filesystem cannot (renameat2, Linux)."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    failed = renameat2(
        AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), ctypes.c_uint(RENAME_EXCHANGE)
    )
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.ENOTSUP, errno.EPERM):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # its own leftovers, of an earlier process with the same number or of an error
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
