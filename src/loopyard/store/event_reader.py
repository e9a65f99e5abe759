"""Reading an event log from outside: nothing is created, locked or changed, whoever writes it.

A log in WAL mode may be three files. While a process has it open, SQLite reads it beside the
writer (https://www.sqlite.org/wal.html). Where nobody has, SQLite itself would create the files
that are missing: then the log is read as a file that does not change, or, where a killed writer's
last events are still in the write-ahead log alone, from a copy.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from loopyard.core.errors import StoreError, expected
from loopyard.store.database import BUSY_S
from loopyard.store.events import SCHEMA, Event

WAL, SHM = "-wal", "-shm"


def read_events(path: Path, kinds: Sequence[str] = (), last_of: Sequence[str] = ()) -> list[Event]:
    """Events in order: of ``kinds`` all, of ``last_of`` the last of each; of neither, every one.

    Raises:
        StoreError: there is no log, or it is damaged or of another version.
    """
    chosen = " OR ".join(
        [
            f"kind IN ({_marks(kinds)})",
            f"seq IN (SELECT max(seq) FROM events WHERE kind IN ({_marks(last_of)}) GROUP BY kind)",
        ]
    )
    where = f"WHERE {chosen}" if kinds or last_of else ""
    with opened(path) as db:
        rows = db.execute(
            f"SELECT seq, wall_s, kind, data FROM events {where} ORDER BY seq",
            [*kinds, *last_of] if where else [],
        ).fetchall()
        # One text for the parser: several times as fast as a call for each of 100,000 events.
        every = json.loads("[" + ",".join(data for *_, data in rows) + "]")
    return [
        Event(seq, wall_s, kind, data)
        for (seq, wall_s, kind, _), data in zip(rows, every, strict=True)
    ]


def log_damage(path: Path) -> list[str]:
    """What SQLite finds wrong with a log; nothing where it is whole."""
    try:
        with opened(path) as db:
            found = [row[0] for row in db.execute("PRAGMA integrity_check")]
    except StoreError as error:
        return [str(error)]
    return [] if found == ["ok"] else [f"{path}: {line}" for line in found]


@contextmanager
def opened(path: Path, schema: int | None = SCHEMA) -> Iterator[sqlite3.Connection]:
    """A connection that only reads a database of this version, or of any.

    Raises:
        StoreError: it is not there, or SQLite cannot read it.
    """
    if not path.is_file():
        raise StoreError(expected(str(path), "event log", "nothing there", "a run's events.sqlite"))
    try:
        with _uri(path) as uri, closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if schema not in (None, version):
                raise StoreError(expected(str(path), "schema", version, schema))
            yield db
    except (sqlite3.Error, ValueError) as error:
        raise StoreError(f"{path}: {error}") from error


@contextmanager
def _uri(path: Path) -> Iterator[str]:
    """How SQLite is to open it now."""
    wal, shm = (path.with_name(path.name + suffix) for suffix in (WAL, SHM))
    written = wal.exists() and wal.stat().st_size > 0
    if shm.exists():
        yield f"file:{quote(str(path.absolute()))}?mode=ro"
    elif not written:
        yield f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    else:
        with tempfile.TemporaryDirectory(prefix="loopyard-log-") as folder:
            for part in (path, wal):
                shutil.copyfile(part, Path(folder) / part.name)
            yield f"file:{quote(str(Path(folder) / path.name))}?mode=ro"


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
