"""The heartbeat: goes on while the work hangs, and does not hide it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loopyard.core.errors import LeaseError, NoSpaceError
from loopyard.cycle.config import Campaign
from loopyard.cycle.engine import run_campaign
from loopyard.cycle.heartbeat import Heartbeat
from loopyard.cycle.journal import Journal
from loopyard.cycle.observer import Silence
from loopyard.store.events import EventLog
from loopyard.store.lease import RUN, Holding, Lease, leases_of, newest_holding
from loopyard.store.owner import Owner

LIMIT_S = 60.0


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline, "what it waited for did not come"
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "leases"


def told(folder: Path) -> Holding:
    found = newest_holding(folder, "run")
    assert found is not None
    return found


def another(folder: Path) -> Lease:
    """Of a process that takes this one for dead."""
    return Lease(folder, "run", owner=Owner("host", "boot", "", 1, 1), is_dead=lambda owner: True)


def test_beats_go_on_while_the_work_stands_still(folder):
    with Heartbeat(Lease(folder, "run"), every_s=0.01) as heartbeat:
        heartbeat.at("cycle-1/train")
        assert told(folder).step == "cycle-1/train"
        before = told(folder)
        wait_until(lambda: told(folder).beats >= before.beats + 3)
        assert told(folder).progress == before.progress
        heartbeat.progress()
        wait_until(lambda: told(folder).progress == before.progress + 1)
    assert told(folder).ended == ""


def test_how_the_work_ended_is_left_in_the_lease(folder):
    with pytest.raises(KeyboardInterrupt), Heartbeat(Lease(folder, "run")):
        raise KeyboardInterrupt
    assert told(folder).ended == "KeyboardInterrupt"
    with Heartbeat(Lease(folder, "run")) as again:
        again.check()


def test_a_second_runner_does_not_begin(folder):
    with Heartbeat(Lease(folder, "run")) as first:
        with pytest.raises(LeaseError), Heartbeat(Lease(folder, "run")):
            pytest.fail("it began")
        first.check()


def test_a_lost_lease_stops_the_work_at_its_next_unit_and_the_thread_at_its_next_beat(folder):
    lost: list[LeaseError] = []
    with Heartbeat(Lease(folder, "run"), every_s=0.01, on_lost=lost.append) as heartbeat:
        taken = another(folder)
        taken.acquire()
        for write in (heartbeat.check, heartbeat.progress, lambda: heartbeat.at("gate")):
            with pytest.raises(LeaseError, match="took over"):
                write()
        wait_until(lambda: bool(lost))
    taken.check()
    assert told(folder).ended is None


def test_a_full_disk_does_not_end_the_beating(folder, monkeypatch):
    lease = Lease(folder, "run")
    renew, failed = lease.renew, []

    def full_at_first(**told):
        if len(failed) < 3:
            failed.append(told)
            raise NoSpaceError("full")
        renew(**told)

    monkeypatch.setattr(lease, "renew", full_at_first)
    with Heartbeat(lease, every_s=0.01):
        wait_until(lambda: told(folder).beats >= 2)
    assert len(failed) == 3


FROZEN = """
import sys, time
from pathlib import Path
from loopyard.cycle.heartbeat import Heartbeat
from loopyard.store.lease import Lease
folder = Path(sys.argv[1])
with Heartbeat(Lease(folder, "run", expiry_s=0.5), every_s=0.05):
    print("at work", flush=True)
    time.sleep(3600)
"""
"""Its work hangs, so that only the beating thread can find out."""


def test_a_runner_that_wakes_from_a_freeze_and_was_replaced_is_gone_at_once(folder):
    frozen = subprocess.Popen(
        [sys.executable, "-c", FROZEN, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert frozen.stdout is not None
        assert frozen.stdout.readline() == "at work\n"
        frozen.send_signal(signal.SIGSTOP)
        second = Lease(folder, "run")
        wait_until(lambda: second.holder() is None)
        with Heartbeat(second) as heartbeat:
            frozen.send_signal(signal.SIGCONT)
            _, err = frozen.communicate(timeout=LIMIT_S)
            assert frozen.returncode == 2
            assert "took over" in err
            heartbeat.check()
    finally:
        frozen.kill()
        frozen.communicate()


# --- in a campaign -----------------------------------------------------------------------------


def test_a_journal_tells_the_lease_of_its_steps_and_work(folder, tmp_path):
    with Heartbeat(Lease(folder, "run")) as heartbeat:
        journal = Journal(tmp_path / "events.sqlite", heartbeat=heartbeat)

        def work(until):
            assert told(folder).step == "cycle-1/train"
            journal.alive()
            return {}

        journal.step("cycle-1/train", 1, work)
        heartbeat.at("gate")
        assert told(folder).progress == 3
        journal.close()


def test_who_lost_the_lease_writes_no_event(folder, tmp_path):
    path = tmp_path / "events.sqlite"
    with Heartbeat(Lease(folder, "run"), on_lost=lambda error: None) as heartbeat:
        journal = Journal(path, heartbeat=heartbeat)

        def work(until):
            another(folder).acquire()
            return {"done": True}

        for write in (lambda: journal.step("train", 1, work), lambda: journal.stopped("why")):
            with pytest.raises(LeaseError, match="took over"):
                write()
        journal.close()
    with EventLog(path) as log:
        assert [event.kind for event in log.events()] == ["step_begun"]
        assert log.append("of the new owner").seq == 2


def test_a_campaign_that_another_process_runs_does_not_begin(tmp_path):
    campaign = Campaign.model_validate(
        {"name": "trial", "runs": tmp_path, "world": "reach_world:ReachWorld", "preset": ""}
    )
    held = Lease(leases_of(tmp_path / "trial"), RUN)
    held.acquire()
    with pytest.raises(LeaseError, match=f"trial: run: found process {os.getpid()} on"):
        run_campaign(campaign, Silence())
    assert [path.name for path in (tmp_path / "trial").iterdir()] == ["leases"]
    held.release()
