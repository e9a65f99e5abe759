"""A campaign that nobody looks after: killed and frozen, and at its verdict all the same."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from loopyard.store.lease import RUN, leases_of, newest_holding

pytestmark = pytest.mark.e2e

LIMIT_S = 600.0
SLOWLY = {"params": {"sleep_s": 0.1}, "generate": {"episodes": 40}}


def runner(run: Path) -> int | None:
    """The process that works on a cycle of the campaign now, if any."""
    held = newest_holding(leases_of(run), RUN)
    if held is None or held.ended is not None or held.owner.is_proven_dead():
        return None
    return held.owner.pid if held.step.startswith("cycle-") else None


def wait_for_runner(run: Path, other_than: int | None = None) -> int:
    deadline = time.monotonic() + LIMIT_S
    while (found := runner(run)) in (None, other_than):
        assert time.monotonic() < deadline, "no runner came to work on a cycle"
        time.sleep(0.02)
    assert found is not None
    return found


def gone(pid: int) -> bool:
    """A process, its parent aside, that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.slow
def test_killed_and_frozen_a_campaign_comes_to_its_verdict_and_no_step_is_done_twice(shell):
    run = shell.folder / "runs/trial"
    campaign = shell.campaign(**SLOWLY)
    watch = shell.start("watch", campaign, "--frozen-after-s", "30", "--backoff-s", "0.1", "--json")
    first = wait_for_runner(run)
    os.kill(first, signal.SIGKILL)
    second = wait_for_runner(run, other_than=first)
    os.kill(second, signal.SIGSTOP)
    out, err = watch.communicate(timeout=LIMIT_S)
    assert watch.returncode in (0, 1), err
    answer = json.loads(out)
    assert answer["state"] == "done"
    assert answer["exit_code"] == watch.returncode
    assert answer["starts"] == 3
    assert sum(answer["failures"].values()) == 2
    assert gone(first)
    assert gone(second)
    steps = shell.finished(run)
    assert len(steps) == len(set(steps)), "a finished step was done again"
    verdict = json.loads((run / "result.json").read_text())["gate"]["verdict"]
    assert (verdict == "promote") == (watch.returncode == 0)


@pytest.mark.slow
def test_ctrl_c_ends_supervisor_and_runner_and_by_hand_both_go_on(shell):
    run = shell.folder / "runs/trial"
    campaign = shell.campaign(**SLOWLY)
    watch = shell.start("watch", campaign)
    first = wait_for_runner(run)
    again = shell.run("run", campaign)
    assert again.returncode == 2
    assert f"run: found process {first} on" in again.stderr
    assert shell.run("watch", campaign, "--unattended").returncode == 0
    os.kill(watch.pid, signal.SIGINT)
    _, err = watch.communicate(timeout=LIMIT_S)
    assert watch.returncode == 3, err
    assert "Traceback" not in err
    assert runner(run) is None
    assert gone(first)
    left = shell.run("watch", campaign, "--unattended")
    assert (left.returncode, left.stdout) == (0, ""), "what a person stopped was started again"
    goes_on = shell.run("watch", run, "--json")
    assert goes_on.returncode in (0, 1), goes_on.stderr
    assert json.loads(goes_on.stdout)["starts"] == 1
    steps = shell.finished(run)
    assert len(steps) == len(set(steps))
