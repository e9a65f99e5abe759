"""An object store as a mirror needs it: whole objects, written once, listed and read.

An object appears whole or not at all: S3 and Google's store promise that of a put, and on a local
disk it is written beside its place and renamed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from loopyard.core.errors import ConfigError, StoreError, expected
from loopyard.store.atomic import fsync_path
from loopyard.store.mirror.layout import BLOBS, KINDS, LATEST, SHA256

PIECE_BYTES = 8 << 20
PIPED_BYTES = 16 << 20
"""Up to so many bytes are sent in one request; more go in parts."""
LOCAL = ("file", "local")
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


class ChangedError(StoreError):
    """A file is not what it was said to be: it was replaced meanwhile, or is damaged."""


def require_reachable(url: str) -> None:
    """Can this URL be spoken to at all? Nothing is sent.

    Raises:
        ConfigError: of a kind that is not known or not installed, or it holds a password.
    """
    import fsspec
    from fsspec.core import split_protocol

    protocol, path = split_protocol(url)
    wanted = "a URL such as s3://bucket/prefix, gs://bucket/prefix or file:///folder"
    if protocol is None or not path.strip("/"):
        raise ConfigError(expected("mirror", "url", url, wanted))
    if "@" in path.partition("/")[0]:
        shown = f"{protocol}://...@{path.partition('@')[2]}"
        raise ConfigError(
            expected("mirror", "url", shown, "no credentials in it: they come from the environment")
        )
    try:
        fsspec.get_filesystem_class(protocol)
    except ValueError:
        raise ConfigError(expected("mirror", "url", url, wanted)) from None
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        advice = f"pip install 'loopyard[{extra}]'" if extra else str(error)
        raise ConfigError(expected("mirror", "url", url, f"its library: {advice}")) from None


class Remote:
    """One place in an object store. Every call may raise what its library raises when the network
    or the credentials fail."""

    def __init__(self, url: str) -> None:
        import fsspec

        require_reachable(url)
        self.url = url
        # A new connection each time: expired credentials are read again from where they come from.
        self._fs, root = fsspec.core.url_to_fs(
            url, skip_instance_cache=True, use_listings_cache=False
        )
        self._root = root.rstrip("/")
        names = self._fs.protocol
        self._local = bool({*LOCAL} & {names} if isinstance(names, str) else {*LOCAL} & {*names})

    def blobs(self) -> dict[str, int]:
        """{sha256: bytes} of all that is there."""
        found = self._find(BLOBS, detail=True)
        names = {PurePosixPath(path).name: facts["size"] for path, facts in found.items()}
        return {name: size for name, size in names.items() if SHA256.fullmatch(name)}

    def pointers(self) -> list[str]:
        """The keys of all pointers."""
        keys = [
            f"{kind}/{PurePosixPath(path).parent.name}/{LATEST}"
            for kind in KINDS
            for path in self._find(kind)
            if PurePosixPath(path).name == LATEST
        ]
        return sorted(keys)

    def _find(self, key: str, *, detail: bool = False) -> Any:
        try:
            return self._fs.find(f"{self._root}/{key}", detail=detail)
        except FileNotFoundError:
            return {} if detail else []

    def read(self, key: str) -> bytes:
        return self._fs.cat_file(f"{self._root}/{key}")

    def pieces(self, key: str) -> Iterator[bytes]:
        """An object's content, in pieces that fit into memory."""
        with self._fs.open(f"{self._root}/{key}", "rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece

    def write(self, objects: Mapping[str, bytes]) -> None:
        """Put small objects, at once where the store can do that."""
        if self._local:
            for key, content in objects.items():
                self._write_local(key, iter([content]))
        elif objects:
            self._fs.pipe({f"{self._root}/{key}": content for key, content in objects.items()})

    def write_file(self, key: str, path: Path, sha256: str, size: int) -> None:
        """Put the first ``size`` bytes of a file, which must have ``sha256``; else nothing is put.

        Raises:
            ChangedError: it has another.
        """
        with path.open("rb") as stream:
            pieces = _checked(stream, path, sha256, size)
            if self._local:
                self._write_local(key, pieces)
            else:
                self._write_parts(key, pieces)

    def _write_local(self, key: str, pieces: Iterator[bytes]) -> None:
        final = Path(self._root) / key
        final.parent.mkdir(parents=True, exist_ok=True)
        staged = final.with_name(f".{final.name}.{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with staged.open("xb") as out:
                out.writelines(pieces)
                out.flush()
                os.fsync(out.fileno())
            os.replace(staged, final)
            fsync_path(final.parent)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise

    def _write_parts(self, key: str, pieces: Iterator[bytes]) -> None:
        out = self._fs.open(f"{self._root}/{key}", "wb", autocommit=False)
        try:
            for piece in pieces:
                out.write(piece)
            out.close()
        except BaseException:
            out.closed = True  # else it would put what it has when it is collected
            out.discard()
            raise
        out.commit()


def checked_bytes(path: Path, sha256: str, size: int) -> bytes:
    """The first ``size`` bytes of a file. Raises ChangedError where they do not have ``sha256``."""
    with path.open("rb") as stream:
        return b"".join(_checked(stream, path, sha256, size))


def _checked(stream: IO[bytes], path: Path, sha256: str, size: int) -> Iterator[bytes]:
    """What was appended since is not read: a log that grows has not changed."""
    digest, left = hashlib.sha256(), size
    while piece := stream.read(min(PIECE_BYTES, left)):
        digest.update(piece)
        left -= len(piece)
        yield piece
    if digest.hexdigest() != sha256:
        raise ChangedError(expected(str(path), "sha256", digest.hexdigest(), sha256))
