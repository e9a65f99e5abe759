"""Artifacts: finished files and folders of a run, and the digests by which its events name them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from loopyard.core.errors import StoreError, expected
from loopyard.store.atomic import fsync_path, write_bytes
from loopyard.store.manifest import (
    MANIFEST_NAME,
    damaged_files,
    file_sha256,
    manifest_of,
    read_manifest,
    unnamed_files,
)


def seal(run: Path, paths: Iterable[Path]) -> dict[str, str]:
    """{path below ``run``: digest} of finished files and folders, durable when this returns.

    A folder gets a manifest, if it has none, over all but its working files (a dot before their
    name); its digest is the manifest's, that of a file its sha256.

    Raises:
        StoreError: something in a folder is neither a plain file nor a folder.
        NoSpaceError: the disk is full.
    """
    return {path.relative_to(run).as_posix(): _sealed(path) for path in paths}


def _sealed(path: Path) -> str:
    if path.is_file():
        fsync_path(path)
        return file_sha256(path)
    for root, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            fsync_path(Path(root) / name)
        fsync_path(Path(root))
    digest, raw = manifest_of(path, _parents(path), hidden=False)
    manifest = path / MANIFEST_NAME
    if not manifest.is_file() or manifest.read_bytes() != raw:
        write_bytes(manifest, raw)
    return digest


def _parents(folder: Path) -> list[str]:
    """Those that an earlier manifest names stay."""
    try:
        return read_manifest(folder)["parents"]
    except StoreError:
        return []


def artifact_damage(run: Path, artifacts: Mapping[str, str]) -> list[str]:
    """A line for everything that is missing, differs, or is too many in ``artifacts`` (`seal`)."""
    return [
        line for name, digest in artifacts.items() for line in _damage(inside(run, name), digest)
    ]


def _damage(path: Path, digest: str) -> list[str]:
    if path.is_symlink() or not path.exists():
        return [f"{path}: missing, but the event log names it"]
    if path.is_dir():
        return folder_damage(path, digest)
    sha256 = file_sha256(path)
    return [] if sha256 == digest else [expected(str(path), "sha256", sha256, digest)]


def folder_damage(folder: Path, digest: str | None = None) -> list[str]:
    """What a folder's manifest says of it. digest: the one the manifest has to have."""
    try:
        manifest = read_manifest(folder)
    except StoreError as error:
        return [str(error)]
    if digest not in (None, manifest["digest"]):
        where = str(folder / MANIFEST_NAME)
        return [expected(where, "digest", manifest["digest"], f"{digest}, of the event log")]
    return [
        *damaged_files(folder, manifest),
        *(f"{path}: no manifest names it" for path in unnamed_files(folder, manifest)),
    ]


def inside(root: Path, name: str) -> Path:
    """``root/name``. Raises StoreError for a name that leads out of it or is not a plain one."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or path.as_posix() != name:
        raise StoreError(expected(str(root), "path", name, "a path inside the folder"))
    return root / path
