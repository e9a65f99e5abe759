"""loopyard status: what it says of a run, and that it only looks."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from loopyard.store.events import EventLog
from loopyard.store.lease import WATCH, Lease, leases_of
from loopyard.surface.cli import main
from loopyard.surface.watch.record import Record

PLAN = {"seconds": {"budget": 600.0}, "cycles": [{"cycle": 1}], "took_s": 0.1}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with EventLog(tmp_path / "demo/events.sqlite") as log:
        log.append("step_done", step="plan", key="k", facts=PLAN, used_s=10.0)
        log.append("step_begun", step="cycle-1/train", key="k", used_s=10.0)
        log.append("alive", used_s=75.0)
    return tmp_path / "demo"


def answer(run: Path, capsys) -> dict:
    assert main(["status", str(run), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_for_machines(run, capsys):
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    told = answer(run, capsys)
    assert told["standing"] == "running"
    assert told["in_progress"] == ["cycle-1/train"]
    assert [step["name"] for step in told["steps"] if step["done"]] == ["plan"]
    assert (told["used_s"], told["budget_s"], told["left_s"]) == (75.0, 600.0, 525.0)
    assert 0 <= told["silent_s"] < 60
    assert told["verdict"] is told["stopped"] is None
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_for_people(run, capsys):
    main(["status", str(run)])
    said = capsys.readouterr().out
    assert "demo: running" in said
    assert "time used    1:15 of 10:00, 8:45 left" in said
    assert "cycle-1/train            1:05, in progress" in said


def test_silence_a_stop_and_the_end_are_told_apart(run, capsys, monkeypatch):
    now_s = time.time()
    with monkeypatch.context() as patch:
        patch.setattr("loopyard.surface.commands.status.time.time", lambda: now_s + 600.0)
        told = answer(run, capsys)
    assert told["standing"] == "silent"
    assert told["silent_s"] > 500
    with EventLog(run / "events.sqlite") as log:
        log.append("stopped", reason="Interrupted: Ctrl-C", used_s=80.0)
        assert answer(run, capsys)["standing"] == "stopped"
        main(["status", str(run)])
        assert "stopped      Interrupted: Ctrl-C; loopyard run goes on" in capsys.readouterr().out
        facts = {"verdict": "promote", "reason": "99 of 100", "n": 100}
        log.append("step_done", step="gate-1", key="k", facts=facts, used_s=90.0)
    told = answer(run, capsys)
    assert told["standing"] == "finished"
    assert told["verdict"] == facts


def test_a_run_that_has_only_been_made_is_beginning(tmp_path, capsys):
    EventLog(tmp_path / "events.sqlite").close()
    assert answer(tmp_path, capsys)["standing"] == "beginning"


def test_a_folder_that_is_no_run_ends_with_2(tmp_path, capsys):
    assert main(["status", str(tmp_path)]) == 2
    assert "expected a run folder, with events.sqlite" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_without_a_supervisor_nothing_is_said_of_one(run, capsys):
    assert answer(run, capsys)["supervisor"] is None
    main(["status", str(run)])
    assert "  supervisor   " not in capsys.readouterr().out


def test_how_often_the_supervisor_started_the_runner(run, capsys):
    lease = Lease(leases_of(run), WATCH)
    lease.acquire()
    failures = {"cycle-1/train": 2}
    why = "cycle-1/train: the runner was killed by SIGKILL (2 of 3 failures)"
    Record("watching", why, 3, failures, started_wall_s=time.time() - 90.0).write(run)
    told = answer(run, capsys)["supervisor"]
    assert (told["alive"], told["starts"], told["failures"]) == (True, 3, failures)
    main(["status", str(run)])
    said = capsys.readouterr().out
    assert f"supervisor   at work: {why}" in said
    assert "runners started: 3, the last 1:3" in said
    assert "failures: cycle-1/train 2" in said
    lease.release()
    main(["status", str(run)])
    assert "supervisor   gone; loopyard watch again goes on" in capsys.readouterr().out


def test_a_supervisor_that_has_given_up_says_why(run, capsys):
    why = "cycle-1/train: stuck (3 of 3 failures); loopyard watch again to go on"
    Record("paused", why, 3, {"cycle-1/train": 3}).write(run)
    main(["status", str(run)])
    assert f"supervisor   has given up: {why}" in capsys.readouterr().out
    assert answer(run, capsys)["supervisor"]["state"] == "paused"
