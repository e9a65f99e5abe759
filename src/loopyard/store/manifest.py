"""manifest.json: what a finished folder holds, so that a damaged one is never read as whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from loopyard.core.errors import StoreError, expected

MANIFEST_NAME = "manifest.json"
SCHEMA = 1
BLOCK_BYTES = 1 << 20


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file, in constant memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path | str, parents: Sequence[str] = ()) -> str:
    """Write ``folder``/manifest.json over every file below it; returns the manifest's digest.

    parents: digests of what the folder was made from. The caller makes it durable.

    Raises:
        StoreError: something below the folder is neither a plain file nor a folder.
    """
    digest, raw = manifest_of(folder, parents)
    (Path(folder) / MANIFEST_NAME).write_bytes(raw)
    return digest


def manifest_of(
    folder: Path | str, parents: Sequence[str] = (), *, hidden: bool = True
) -> tuple[str, bytes]:
    """(digest, content) of the manifest of a folder as it is now.

    hidden: take in what has a name with a dot before it as well: working files.

    Raises:
        StoreError: something below the folder is neither a plain file nor a folder.
    """
    folder = Path(folder)
    body = {
        "schema": SCHEMA,
        "parents": list(parents),
        "files": [
            {
                "path": path.relative_to(folder).as_posix(),
                "size": path.stat().st_size,
                "sha256": file_sha256(path),
            }
            for path in _plain_files(folder, hidden=hidden)
        ],
    }
    digest = _digest(body)
    return digest, _canonical({**body, "digest": digest})


def verify_manifest(folder: Path | str) -> str:
    """Check every file that the manifest names; returns the manifest's digest.

    Files that it does not name are not looked at.

    Raises:
        StoreError: the manifest is missing or altered, or a file is missing or differs from it.
    """
    manifest = read_manifest(folder)
    for damage in damaged_files(folder, manifest):
        raise StoreError(damage)
    return manifest["digest"]


def damaged_files(folder: Path | str, manifest: dict[str, Any]) -> Iterator[str]:
    """A line for each file that a manifest names and that is missing or differs from it."""
    for entry in manifest["files"]:
        path = Path(folder) / entry["path"]
        if path.is_symlink() or not path.is_file():
            yield f"{path}: missing, but {MANIFEST_NAME} names it"
        elif (size := path.stat().st_size) != entry["size"]:
            yield expected(str(path), "size", size, f"{entry['size']} bytes")
        elif (sha256 := file_sha256(path)) != entry["sha256"]:
            yield expected(str(path), "sha256", sha256, entry["sha256"])


def unnamed_files(folder: Path | str, manifest: dict[str, Any]) -> list[str]:
    """Files in a folder, working files left out, that its manifest does not name."""
    folder = Path(folder)
    named = {entry["path"] for entry in manifest["files"]} | {MANIFEST_NAME}
    found = (path for path in sorted(folder.rglob("*")) if not path.is_dir() or path.is_symlink())
    return [
        str(path)
        for path in found
        if path.relative_to(folder).as_posix() not in named
        and not _is_hidden(path.relative_to(folder))
    ]


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """The manifest itself, proven to be byte for byte as it was written.

    Raises:
        StoreError: it is missing, altered, of another schema, or names a path outside the folder.
    """
    path = Path(folder) / MANIFEST_NAME
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{path}: missing, so the folder was never finished") from None
    try:
        manifest = json.loads(raw)
    except (ValueError, RecursionError):
        raise StoreError(f"{path}: not JSON, so it was damaged or is not ours") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        found = manifest.get("schema") if isinstance(manifest, dict) else manifest
        raise StoreError(expected(str(path), "schema", found, SCHEMA))
    body = {key: value for key, value in manifest.items() if key != "digest"}
    digest = _digest(body)
    if manifest.get("digest") != digest:
        raise StoreError(expected(str(path), "digest", manifest.get("digest"), digest))
    if raw != _canonical(manifest):
        raise StoreError(f"{path}: altered since it was written")
    _check_entries(str(path), manifest.get("files"))
    return manifest


def _check_entries(where: str, entries: Any) -> None:
    """A digest proves only that nobody slipped, not that nobody meant harm."""
    if not isinstance(entries, list):
        raise StoreError(expected(where, "files", entries, "a list"))
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != {"path", "size", "sha256"}:
            raise StoreError(expected(where, "files", entry, "path, size and sha256"))
        path = entry["path"]
        if not isinstance(path, str):
            raise StoreError(expected(where, "files.path", path, "text"))
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise StoreError(expected(where, "files.path", path, "a path inside the folder"))


def _plain_files(folder: Path, *, hidden: bool) -> list[Path]:
    files = []
    for path in sorted(folder.rglob("*")):
        if not hidden and _is_hidden(path.relative_to(folder)):
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise StoreError(f"{path}: only plain files and folders can be committed")
        if path.is_file() and path != folder / MANIFEST_NAME:
            files.append(path)
    return files


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(body)).hexdigest()


def _canonical(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
