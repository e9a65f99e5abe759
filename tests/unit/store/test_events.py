"""The event log: ordered, append-only, durable, and clear about what is wrong."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from loopyard.core.errors import NoSpaceError, StoreError
from loopyard.store import events
from loopyard.store.events import EventLog


@dataclass
class FixedClock:
    wall_s: float = 1_000.5

    def wall(self) -> float:
        return self.wall_s

    def monotonic(self) -> float:
        return 0.0


def test_events_come_back_in_order_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "run" / "events.sqlite"
    with EventLog(path, FixedClock()) as log:
        first = log.append("cycle_started", cycle=1, seeds=[1, 2])
        log.append("train_done", loss=0.25)
    with EventLog(path) as log:
        log.append("cycle_started", cycle=2)
        assert log.events()[0] == first
        assert first.wall_s == 1_000.5
        assert [(event.seq, event.kind) for event in log.events()] == [
            (1, "cycle_started"),
            (2, "train_done"),
            (3, "cycle_started"),
        ]
        assert [event.data["cycle"] for event in log.events("cycle_started")] == [1, 2]
        assert log.events("nothing") == []


@pytest.mark.parametrize("sql", ["UPDATE events SET kind = 'x'", "DELETE FROM events"])
def test_events_cannot_be_changed(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "events.sqlite"
    with EventLog(path) as log:
        log.append("a")
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(sql)
    db.close()


def test_threads_may_share_a_log(tmp_path: Path) -> None:
    with EventLog(tmp_path / "events.sqlite") as log, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: log.append("tick", i=i), range(100)))
        assert sorted(event.data["i"] for event in log.events()) == list(range(100))


def test_values_that_are_not_json_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with EventLog(tmp_path / "events.sqlite") as log:
        with pytest.raises(ValueError, match="JSON"):
            log.append("train_done", loss=float("nan"))
        with pytest.raises(TypeError):
            log.append("train_done", path=tmp_path)
        assert log.events() == []


def test_network_filesystems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "filesystem_of", lambda folder: "nfs4")
    with pytest.raises(StoreError, match="filesystem: found 'nfs4', expected a local disk"):
        EventLog(tmp_path / "events.sqlite")


def test_a_full_disk_is_named_and_the_log_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with EventLog(path) as log:
        log.append("a")
        pages = log._pragma("page_count")
        log._pragma(f"max_page_count={pages}")
        with pytest.raises(NoSpaceError, match=str(path)):
            log.append("big", text="x" * 100_000)
        log._pragma(f"max_page_count={pages + 1000}")
        log.append("b")
        assert [event.kind for event in log.events()] == ["a", "b"]


KILLED = """
import os, sys
from loopyard.store.events import EventLog
log = EventLog(sys.argv[1])
for i in range(50):
    print(log.append("tick", i=i).seq, flush=True)
    if i == 30:
        os.kill(os.getpid(), 9)
"""


def test_what_was_appended_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    child = subprocess.run(
        [sys.executable, "-c", KILLED, path], capture_output=True, text=True, check=False
    )
    assert child.returncode == -signal.SIGKILL
    with EventLog(path) as log:
        assert [event.seq for event in log.events()] == [int(x) for x in child.stdout.split()]
        assert log.append("after").seq == 32
