"""What every SQLite file of the store has in common: durable, whole or not at all, named errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from loopyard.core.errors import NoSpaceError, StoreError
from loopyard.store.database import Database
from loopyard.store.events import EventLog
from loopyard.store.outbox import Outbox


class Notes(Database):
    tables = "CREATE TABLE notes (text TEXT NOT NULL) STRICT;"

    def add(self, *texts: str) -> None:
        with self._writing() as db:
            for text in texts:
                db.execute("INSERT INTO notes VALUES (?)", (text,))

    def all(self) -> list[str]:
        return [text for (text,) in self._rows("SELECT text FROM notes ORDER BY rowid")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "notes.sqlite"


@pytest.fixture
def notes(path: Path) -> Iterator[Notes]:
    with Notes(path) as notes:
        yield notes


def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    for text in ("a", "b"):
        with Notes(path) as notes:
            notes.add(text)
    with Notes(path) as notes:
        assert notes.all() == ["a", "b"]


def test_settings_are_durable(notes: Notes) -> None:
    assert notes._pragma("journal_mode") == "wal"
    assert notes._pragma("synchronous") == 2


def test_a_transaction_is_written_whole_or_not_at_all(notes: Notes) -> None:
    with pytest.raises(StoreError, match=r"notes\.sqlite: NOT NULL"):
        notes.add("half", cast(str, None))
    notes.add("whole")
    assert notes.all() == ["whole"]


def test_threads_may_share_it(notes: Notes) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: notes.add(str(number)), range(40)))
    assert sorted(map(int, notes.all())) == list(range(40))


def test_a_full_disk_is_named_and_leaves_what_was_there(notes: Notes) -> None:
    notes.add("a")
    pages = notes._pragma("page_count")
    notes._pragma(f"max_page_count={pages}")
    with pytest.raises(NoSpaceError, match=str(notes.path)):
        notes.add("x" * 100_000)
    notes._pragma(f"max_page_count={pages + 1000}")
    notes.add("b")
    assert notes.all() == ["a", "b"]


@pytest.mark.parametrize("kind", [Notes, EventLog, Outbox])
def test_what_is_no_database_is_named(tmp_path: Path, kind: type[Database]) -> None:
    path = tmp_path / "file.sqlite"
    path.write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(StoreError, match=f"{path}: file is not a database"):
        kind(path)


@pytest.mark.parametrize("kind", [Notes, EventLog, Outbox])
def test_another_version_is_refused(tmp_path: Path, kind: type[Database]) -> None:
    path = tmp_path / "file.sqlite"
    kind(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(StoreError, match="schema: found 7, expected 1"):
        kind(path)
