"""The event log: what happened, in order, each event durable before the call returns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import StoreError, expected
from loopyard.store.database import Database
from loopyard.store.failpoint import failpoint

SCHEMA = 1
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

TABLES = """
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
"""


@dataclass(frozen=True)
class Event:
    """One line of the log. seq counts from 1; wall_s is seconds since the epoch."""

    seq: int
    wall_s: float
    kind: str
    data: dict[str, Any]


class EventLog(Database):
    """An append-only log.

    fence: called within each write; what it raises keeps the event out.

    Raises:
        StoreError: the file is not an event log of this version, or lies on a network filesystem,
            where SQLite's write-ahead log is not safe.
        NoSpaceError: the disk is full; the event was not written.
    """

    schema, tables = SCHEMA, TABLES

    def __init__(
        self,
        path: Path | str,
        clock: Clock | None = None,
        fence: Callable[[], None] | None = None,
    ) -> None:
        self._fence, self._clock = fence, clock or SystemClock()
        folder = Path(path).parent
        folder.mkdir(parents=True, exist_ok=True)
        kind = filesystem_of(folder)
        if kind in NETWORK_FILESYSTEMS:
            raise StoreError(expected(str(path), "filesystem", kind, "a local disk"))
        super().__init__(path)

    def append(self, kind: str, **fields: Any) -> Event:
        """Write one event; it is on the disk when this returns. Fields must be plain JSON."""
        wall_s = self._clock.wall()
        text = json.dumps(fields, allow_nan=False)
        with self._writing() as db:
            if self._fence is not None:
                self._fence()
            cursor = db.execute(
                "INSERT INTO events (wall_s, kind, data) VALUES (?, ?, ?)", (wall_s, kind, text)
            )
            failpoint("event.inserted")
        failpoint("event.committed")
        assert cursor.lastrowid is not None
        return Event(cursor.lastrowid, wall_s, kind, json.loads(text))

    def events(self, kind: str | None = None) -> list[Event]:
        """All events in order, or those of one kind."""
        rows = self._rows(
            "SELECT seq, wall_s, kind, data FROM events WHERE ?1 IS NULL OR kind = ?1 ORDER BY seq",
            kind,
        )
        return [Event(seq, wall_s, name, json.loads(data)) for seq, wall_s, name, data in rows]


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
