"""The event log: what happened, in order, each event durable before the call returns."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import StoreError, expected
from loopyard.store.failpoint import failpoint
from loopyard.store.space import naming_full_disk

SCHEMA = 1
BUSY_S = 10.0
FULL_SYNCHRONOUS = 2
NETWORK_FILESYSTEMS = frozenset(
    (
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "lustre",
        "glusterfs",
        "beegfs",
        "fuse.sshfs",
        "fuse.glusterfs",
    )
)

SCHEMA_SQL = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    wall_s REAL NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
PRAGMA user_version = {SCHEMA};
COMMIT;
"""


@dataclass(frozen=True)
class Event:
    """One line of the log. seq counts from 1; wall_s is seconds since the epoch."""

    seq: int
    wall_s: float
    kind: str
    data: dict[str, Any]


class EventLog:
    """An append-only SQLite log: WAL, synchronous FULL, one writer at a time.

    fence: called within each write; what it raises keeps the event out.

    Raises:
        StoreError: the file is not an event log of this version, or lies on a network filesystem,
            where SQLite's write-ahead log is not safe.
        NoSpaceError: the disk is full; the event was not written.
    """

    def __init__(
        self,
        path: Path | str,
        clock: Clock | None = None,
        fence: Callable[[], None] | None = None,
    ) -> None:
        self.path, self._fence = Path(path), fence
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kind = filesystem_of(self.path.parent)
        if kind in NETWORK_FILESYSTEMS:
            raise StoreError(expected(str(self.path), "filesystem", kind, "a local disk"))
        with self._named_errors():
            self._db = sqlite3.connect(
                self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def _open(self) -> None:
        version = self._pragma("user_version")
        if version not in (0, SCHEMA):
            raise StoreError(expected(str(self.path), "schema", version, SCHEMA))
        self._pragma("journal_mode=WAL")
        self._pragma("synchronous=FULL")
        if self._pragma("synchronous") != FULL_SYNCHRONOUS:
            raise StoreError(f"{self.path}: SQLite will not make its writes durable here")
        if version == 0:
            self._db.executescript(SCHEMA_SQL)

    def _pragma(self, text: str) -> Any:
        row = self._db.execute(f"PRAGMA {text}").fetchone()
        return row[0] if row else None

    def append(self, kind: str, **fields: Any) -> Event:
        """Write one event; it is on the disk when this returns. Fields must be plain JSON."""
        wall_s = self._clock.wall()
        text = json.dumps(fields, allow_nan=False)
        with self._lock, self._named_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if self._fence is not None:
                    self._fence()
                cursor = self._db.execute(
                    "INSERT INTO events (wall_s, kind, data) VALUES (?, ?, ?)",
                    (wall_s, kind, text),
                )
                failpoint("event.inserted")
                self._db.execute("COMMIT")
                failpoint("event.committed")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        assert cursor.lastrowid is not None
        return Event(cursor.lastrowid, wall_s, kind, json.loads(text))

    def events(self, kind: str | None = None) -> list[Event]:
        """All events in order, or those of one kind."""
        with self._lock, self._named_errors():
            rows = self._db.execute(
                "SELECT seq, wall_s, kind, data FROM events WHERE ?1 IS NULL OR kind = ?1 "
                "ORDER BY seq",
                (kind,),
            ).fetchall()
        return [Event(seq, wall_s, name, json.loads(data)) for seq, wall_s, name, data in rows]

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            with naming_full_disk(self.path):
                yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error


def filesystem_of(folder: Path) -> str:
    """The type of the filesystem ``folder`` lies on, such as ``ext4``; empty where unknown."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return ""
    place = str(folder.resolve())
    best = ("", "")
    for line in mounts:
        _, point, kind, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
