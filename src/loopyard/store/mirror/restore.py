"""Brings a run back from its mirror, every byte verified."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from loopyard.core.errors import StoreError, expected
from loopyard.store.artifacts import inside
from loopyard.store.atomic import fsync_tree
from loopyard.store.mirror.layout import Listing, blob_key, digest_of, read_pointer
from loopyard.store.mirror.remote import Remote
from loopyard.store.space import naming_full_disk, require_space


@dataclass(frozen=True)
class Restored:
    """What came back."""

    files: int
    bytes: int


def restore(url: str, folder: Path) -> Restored:
    """Fetch the newest of every shelf into ``folder``, which is made, whole or not at all.

    Raises:
        StoreError: the folder is not empty, there is no mirror, or something in it is damaged.
        NoSpaceError: it does not fit on the disk.
        Exception: whatever the store's library raises.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(expected(str(folder), "folder", "something there", "nothing yet"))
    remote = Remote(url)
    listings = _listings(remote)
    total = sum(size for listing in listings for _, size in listing.files.values())
    folder.parent.mkdir(parents=True, exist_ok=True)
    require_space(folder.parent, total, "the run")
    staging = folder.parent / f".{folder.name}.restoring-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with naming_full_disk(folder):
            staging.mkdir()
            for listing in listings:
                for path, (sha256, size) in listing.files.items():
                    _fetch(remote, sha256, size, inside(staging, path))
            for listing in listings:
                for path, target in listing.links.items():
                    _link(staging, path, target)
            fsync_tree(staging)
            os.replace(staging, folder)  # over an empty folder, too
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Restored(sum(len(listing.files) for listing in listings), total)


def _listings(remote: Remote) -> list[Listing]:
    listings = []
    for key in remote.pointers():
        where = f"{remote.url}/{key}"
        digest = read_pointer(remote.read(key), where)["listing"]
        name = f"{PurePosixPath(key).parent}/{digest}.json"
        raw = remote.read(name)
        if digest_of(raw) != digest:
            raise StoreError(expected(f"{remote.url}/{name}", "sha256", digest_of(raw), digest))
        listings.append(Listing.from_bytes(raw, where))
    runs = {listing.run for listing in listings}
    if len(runs) != 1:
        raise StoreError(expected(remote.url, "mirror", f"{len(runs)} runs", "a run's mirror"))
    return listings


def _fetch(remote: Remote, sha256: str, size: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, written = hashlib.sha256(), 0
    where = f"{remote.url}/{blob_key(sha256)}"
    try:
        with path.open("xb") as out:
            for piece in remote.pieces(blob_key(sha256)):
                digest.update(piece)
                written += len(piece)
                if written > size:
                    break
                out.write(piece)
    except FileNotFoundError:
        raise StoreError(f"{where}: missing, but a listing names it ({path.name})") from None
    if written != size or digest.hexdigest() != sha256:
        raise StoreError(
            expected(where, "content", f"{written} other bytes", f"{size} of {sha256}")
        )


def _link(root: Path, path: str, target: str) -> None:
    """A symlink within the run folder; another is left out of what comes back."""
    place = inside(root, path)
    resolved = (place.parent / target).resolve()
    if os.path.isabs(target) or not resolved.is_relative_to(root.resolve()):
        raise StoreError(expected(path, "link", target, "a place in the run folder"))
    place.symlink_to(target, target_is_directory=resolved.is_dir())
