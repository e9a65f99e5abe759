"""The outbox: what is still to be said outside, kept over restarts, and never said twice.

Nothing over HTTP can be exactly once. Before its first byte leaves, a message may be tried again;
from then on it may not: one that is found half-sent after a crash is of unknown fate, and stays so.

    queued -> sending -> sent
      ^          |------> unknown    it may have arrived, or not; it is not sent again
      |----------|------> given_up   the other side does not want it, or it grew too old
    refused: never to be sent, since it breaks a rule
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import StoreError, expected
from loopyard.store.failpoint import failpoint
from loopyard.store.space import naming_full_disk

State = Literal["queued", "sending", "sent", "unknown", "given_up", "refused"]

SCHEMA = 1
BUSY_S = 10.0
HALF_SENT = "the run stopped while it was being sent; it may have arrived"
FIELDS = "id, key, channel, message, state, wall_s, due_s, tries, reason"
SCHEMA_SQL = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    channel TEXT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL,
    wall_s REAL NOT NULL,
    due_s REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (key, channel)
) STRICT;
CREATE INDEX IF NOT EXISTS by_state ON outbox (channel, state, id);
PRAGMA user_version = {SCHEMA};
COMMIT;
"""


@dataclass(frozen=True)
class Delivery:
    """One message to one channel. Times are in seconds since the epoch.

    due_s: not to be tried before. tries: how often it was. reason: of its state, for a person.
    """

    id: int
    key: str
    channel: str
    message: dict[str, Any]
    state: State
    wall_s: float
    due_s: float
    tries: int
    reason: str


class Outbox:
    """Deliveries in an SQLite file beside the event log; each change is durable at once.

    Raises:
        StoreError: the file is not an outbox of this version, or cannot be written.
        NoSpaceError: the disk is full; nothing was changed.
    """

    def __init__(self, path: Path | str, clock: Clock | None = None) -> None:
        self.path = Path(path)
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
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
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA):
            raise StoreError(expected(str(self.path), "schema", version, SCHEMA))
        self._db.execute("PRAGMA journal_mode=WAL").fetchone()
        self._db.execute("PRAGMA synchronous=FULL")
        if version == 0:
            self._db.executescript(SCHEMA_SQL)

    def put(
        self, key: str, message: Mapping[str, Any], channels: Mapping[str, tuple[State, str]]
    ) -> None:
        """Take a message in for ``channels``: {name: (state, reason)}, all or none.

        A key is taken once in each channel; a second one changes nothing.
        """
        now_s, text = self._clock.wall(), json.dumps(dict(message), allow_nan=False)
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO outbox (key, channel, message, state, wall_s, due_s, reason)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
                [(key, name, text, state, now_s, why) for name, (state, why) in channels.items()],
            )

    def recover(self) -> list[Delivery]:
        """Called once by who delivers: what a crash left half-sent becomes unknown; gives those."""
        half_sent = self._rows("WHERE state = 'sending' ORDER BY id")
        for delivery in half_sent:
            self.settle(delivery, "unknown", HALF_SENT)
        return [replace(one, state="unknown", reason=HALF_SENT) for one in half_sent]

    def head(self, channel: str) -> Delivery | None:
        """The oldest message that waits for a channel: order is kept."""
        rows = self._rows("WHERE channel = ? AND state = 'queued' ORDER BY id LIMIT 1", channel)
        return rows[0] if rows else None

    def settle(
        self, delivery: Delivery, state: State, reason: str = "", due_s: float | None = None
    ) -> None:
        """Move a delivery on; ``sending`` counts a try. due_s: when it may be tried again."""
        with self._writing() as db:
            db.execute(
                "UPDATE outbox SET state = ?, reason = ?, due_s = coalesce(?, due_s), "
                "tries = tries + ? WHERE id = ?",
                (state, reason, due_s, int(state == "sending"), delivery.id),
            )

    def all(self) -> list[Delivery]:
        """Every delivery, in the order it was put."""
        return self._rows("ORDER BY id")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _rows(self, where: str, *values: str) -> list[Delivery]:
        with self._lock, self._named_errors():
            rows = self._db.execute(f"SELECT {FIELDS} FROM outbox {where}", values).fetchall()
        return [_delivery(row) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._named_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                failpoint("outbox.written")
                self._db.execute("COMMIT")
                failpoint("outbox.committed")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            with naming_full_disk(self.path):
                yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error


def _delivery(row: tuple[Any, ...]) -> Delivery:
    number, key, channel, message, *rest = row
    return Delivery(number, key, channel, json.loads(message), *rest)
