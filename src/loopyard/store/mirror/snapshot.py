"""What a run folder has at one moment, shelf by shelf, without reading again what is known."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from loopyard.core.errors import StoreError
from loopyard.store.event_reader import opened
from loopyard.store.manifest import MANIFEST_NAME, file_sha256, read_manifest
from loopyard.store.mirror.layout import KINDS, LOGS, Listing, Shelf, digest_of, shelf_of

LOG = "events.sqlite"
DATABASE = ".sqlite"
NOT_MIRRORED = ("-wal", "-shm", "-journal")
LEASES = "leases"

Entry = tuple[str, int]
"""sha256 and size in bytes."""


@dataclass
class Snapshot:
    """shelves: what is on each, in the order to send them. contents: {path: bytes} of what is
    small and may be written at any time: databases and logs."""

    shelves: dict[Shelf, Listing]
    contents: dict[str, bytes] = field(default_factory=dict)


class Photographer:
    """Takes snapshots of one run folder; remembers the sha256 of files that have not changed."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._known: dict[str, tuple[tuple[int, int], str]] = {}

    def snapshot(self) -> Snapshot:
        """The event log first: all that it names is then there as well.

        Raises:
            StoreError: there is no event log, or none with an event in it.
        """
        contents = {
            path.name: database_bytes(path) for path in sorted(self.run.glob(f"*{DATABASE}"))
        }
        name = run_id(self.run)
        files: dict[Shelf, dict[str, Entry]] = {}
        for path, sealed in self._files().items():
            try:
                if shelf_of(path).kind == LOGS:
                    contents[path] = (self.run / path).read_bytes()
                else:
                    files.setdefault(shelf_of(path), {})[path] = sealed or self._entry(path)
            except FileNotFoundError:
                continue  # replaced just now: the next snapshot has it
        for path, content in contents.items():
            files.setdefault(shelf_of(path), {})[path] = digest_of(content), len(content)
        links = {
            link.name: os.readlink(link) for link in sorted(self.run.iterdir()) if link.is_symlink()
        }
        order = sorted(files, key=lambda shelf: (KINDS.index(shelf.kind), shelf.cycle))
        shelves = {
            shelf: Listing(name, files[shelf], links if shelf == shelf_of(LOG) else {})
            for shelf in order
        }
        return Snapshot(shelves, contents)

    def _files(self) -> dict[str, Entry | None]:
        """Every file that counts and is no database, with what its folder's manifest says of it.

        A sealed folder holds what its manifest says: a file that was damaged or lost since is sent
        as it should be, or not at all.
        """
        found: dict[str, Entry | None] = {}
        for root, folders, names in os.walk(self.run):
            folders[:] = [name for name in folders if not name.startswith(".") and name != LEASES]
            folder = Path(root)
            for name in names:
                skipped = name.startswith(".") or name.endswith((DATABASE, *NOT_MIRRORED))
                if not skipped and not (folder / name).is_symlink():
                    found.setdefault((folder / name).relative_to(self.run).as_posix(), None)
            if MANIFEST_NAME in names:
                found |= self._sealed(folder)
        return found

    def _sealed(self, folder: Path) -> dict[str, Entry]:
        try:
            files = read_manifest(folder)["files"]
        except StoreError:
            return {}
        place = folder.relative_to(self.run)
        return {
            (place / entry["path"]).as_posix(): (entry["sha256"], entry["size"]) for entry in files
        }

    def _entry(self, name: str) -> Entry:
        stat = (self.run / name).stat()
        now = stat.st_size, stat.st_mtime_ns
        before, sha256 = self._known.get(name, (None, ""))
        if before != now:
            sha256 = file_sha256(self.run / name)
            self._known[name] = now, sha256
        return sha256, stat.st_size


def run_id(run: Path) -> str:
    """Names a run wherever it lies: the digest of its first event. Raises StoreError."""
    with opened(run / LOG) as db:
        first = db.execute("SELECT wall_s, kind, data FROM events ORDER BY seq LIMIT 1").fetchone()
    if first is None:
        raise StoreError(f"{run / LOG}: no event in it yet")
    return hashlib.sha256(json.dumps(first).encode()).hexdigest()[:16]


def database_bytes(path: Path) -> bytes:
    """A whole copy of a database as it is now, whoever writes it."""
    with opened(path, schema=None) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return db.serialize()
