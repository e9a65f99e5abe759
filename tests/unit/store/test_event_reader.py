"""Reading a log leaves no trace, and works whoever has it open or died with it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from loopyard.core.errors import StoreError
from loopyard.store.event_reader import log_damage, read_events
from loopyard.store.events import EventLog

KILLED = """
import os, sys
from loopyard.store.events import EventLog
log = EventLog(sys.argv[1])
for i in range(20):
    log.append("tick", i=i)
os.kill(os.getpid(), 9)
"""


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run/events.sqlite"
    with EventLog(path) as log:
        log.append("a", n=1)
        log.append("life", n=2)
        log.append("b", n=3)
        log.append("life", n=4)
    return path


def test_all_some_and_the_last_of_some(path: Path) -> None:
    assert [event.data["n"] for event in read_events(path)] == [1, 2, 3, 4]
    assert [event.data["n"] for event in read_events(path, ["a"])] == [1]
    chosen = read_events(path, ["a", "b"], last_of=["life", "nothing"])
    assert [(event.seq, event.kind) for event in chosen] == [(1, "a"), (3, "b"), (4, "life")]


def test_a_closed_log_is_left_as_it_was(path: Path) -> None:
    before = files(path.parent)
    assert len(read_events(path)) == 4
    assert log_damage(path) == []
    assert files(path.parent) == before


def test_a_folder_that_cannot_be_written_is_read(path: Path) -> None:
    path.parent.chmod(0o555)
    path.chmod(0o444)
    try:
        assert len(read_events(path)) == 4
    finally:
        path.parent.chmod(0o755)


def test_it_reads_while_another_writes_and_stands_in_nobodys_way(path: Path) -> None:
    with EventLog(path) as log:
        log.append("c", n=5)
        before = sorted(os.listdir(path.parent))
        assert [event.kind for event in read_events(path)][-1] == "c"
        assert sorted(os.listdir(path.parent)) == before
        log.append("d", n=6)
        assert [event.kind for event in read_events(path)][-1] == "d"


def test_the_last_events_of_a_killed_writer_are_read(tmp_path: Path) -> None:
    path = tmp_path / "run/events.sqlite"
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert (path.parent / "events.sqlite-wal").stat().st_size
    assert len(read_events(path)) == 20
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("events.sqlite", "events.sqlite-wal"):
        shutil.copy(path.parent / name, moved)
    before = files(moved)
    assert len(read_events(moved / "events.sqlite")) == 20
    assert files(moved) == before


def test_no_log_is_named_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"events.sqlite: event log: found 'nothing there'"):
        read_events(tmp_path / "events.sqlite")
    assert not list(tmp_path.iterdir())


def test_another_file_and_a_newer_log_are_named(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(StoreError, match="schema: found 7, expected 1"):
        read_events(path)
    path.write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        read_events(path)
    assert "file is not a database" in log_damage(path)[0]


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with EventLog(path) as log:
        for i in range(200):
            log.append("tick", text="x" * 200, i=i)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 2000] = os.urandom(2000)
    path.write_bytes(whole)
    assert log_damage(path)
