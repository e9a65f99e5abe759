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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from loopyard.core.clock import Clock, SystemClock
from loopyard.store.database import Database
from loopyard.store.failpoint import failpoint

State = Literal["queued", "sending", "sent", "unknown", "given_up", "refused"]

HALF_SENT = "the run stopped while it was being sent; it may have arrived"
FIELDS = "id, key, channel, message, state, wall_s, due_s, tries, reason"
TABLES = """
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


class Outbox(Database):
    """Deliveries, beside the event log."""

    tables = TABLES

    def __init__(self, path: Path | str, clock: Clock | None = None) -> None:
        super().__init__(path)
        self._clock = clock or SystemClock()

    def put(
        self, key: str, message: Mapping[str, Any], channels: Mapping[str, tuple[State, str]]
    ) -> None:
        """Take a message in for ``channels``: {name: (state, reason)}, all or none.

        A key is taken once in each channel; a second one changes nothing.
        """
        now_s, text = self._clock.wall(), json.dumps(dict(message), allow_nan=False)
        with self._changing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO outbox (key, channel, message, state, wall_s, due_s, reason)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
                [(key, name, text, state, now_s, why) for name, (state, why) in channels.items()],
            )

    def recover(self) -> list[Delivery]:
        """Called once by who delivers: what a crash left half-sent becomes unknown; gives those."""
        half_sent = self._where("WHERE state = 'sending' ORDER BY id")
        for delivery in half_sent:
            self.settle(delivery, "unknown", HALF_SENT)
        return [replace(one, state="unknown", reason=HALF_SENT) for one in half_sent]

    def head(self, channel: str) -> Delivery | None:
        """The oldest message that waits for a channel: order is kept."""
        rows = self._where("WHERE channel = ? AND state = 'queued' ORDER BY id LIMIT 1", channel)
        return rows[0] if rows else None

    def settle(
        self, delivery: Delivery, state: State, reason: str = "", due_s: float | None = None
    ) -> None:
        """Move a delivery on; ``sending`` counts a try. due_s: when it may be tried again."""
        with self._changing() as db:
            db.execute(
                "UPDATE outbox SET state = ?, reason = ?, due_s = coalesce(?, due_s), "
                "tries = tries + ? WHERE id = ?",
                (state, reason, due_s, int(state == "sending"), delivery.id),
            )

    def all(self) -> list[Delivery]:
        """Every delivery, in the order it was put."""
        return self._where("ORDER BY id")

    def _where(self, where: str, *values: str) -> list[Delivery]:
        return [
            _delivery(row) for row in self._rows(f"SELECT {FIELDS} FROM outbox {where}", *values)
        ]

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._writing() as db:
            yield db
            failpoint("outbox.written")
        failpoint("outbox.committed")


def _delivery(row: tuple[Any, ...]) -> Delivery:
    number, key, channel, message, *rest = row
    return Delivery(number, key, channel, json.loads(message), *rest)
