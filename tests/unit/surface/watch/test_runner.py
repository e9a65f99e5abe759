"""Runners as real processes: started, found, killed, frozen, and started again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from loopyard.store.owner import Owner
from loopyard.surface.watch.limits import Limits
from loopyard.surface.watch.record import Record
from loopyard.surface.watch.runner import Child, End, Found
from loopyard.surface.watch.supervisor import Supervisor


def test_a_child_leads_a_group_of_its_own_and_asked_to_stop_it_saves_and_ends(yard):
    child = yard.start()
    yard.wait_until(lambda: yard.at_work(child))
    assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    assert child.poll() is None
    child.ask_to_stop()
    yard.wait_until(child.poll)
    assert child.poll() == End(3)
    assert (yard.folder / "checkpoint").exists()
    child.kill()  # of what is gone already, nothing happens


def test_of_a_child_that_died_nothing_is_left(yard):
    child = yard.start()
    yard.wait_until(lambda: yard.at_work(child))
    os.kill(child.pid, signal.SIGKILL)
    yard.wait_until(child.poll)
    assert child.poll() == End(-9)
    yard.wait_until(yard.worker_is_gone)


def test_one_that_was_found_is_watched_by_its_lease_and_can_be_killed_with_its_workers(yard):
    child = yard.start("deaf")
    yard.wait_until(lambda: yard.at_work(child))
    found = Found(yard.holding(child).owner)
    found.ask_to_stop()
    assert found.poll() is None
    found.kill()
    yard.wait_until(found.poll)
    assert found.poll() == End(None)
    yard.wait_until(yard.worker_is_gone)


def test_a_later_process_of_the_same_number_is_left_alone(yard):
    child = yard.start()
    yard.wait_until(lambda: yard.at_work(child))
    owner = yard.holding(child).owner
    earlier = Found(Owner(owner.host, owner.boot_id, owner.pid_space, owner.pid, owner.started - 1))
    assert earlier.poll() == End(None)
    earlier.ask_to_stop()
    earlier.kill()
    assert child.poll() is None


# --- under a supervisor ------------------------------------------------------------------------


@dataclass
class Watch:
    """A supervisor in this process, whose clock stands still while a runner is only starting.

    hows: of the runners it starts, one after another. hurt: what is done to the first one at work.
    """

    yard: Any
    hows: list[str]
    hurt: Callable[[int], None]
    now_s: float = 0.0
    said: list[str] = field(default_factory=list)
    record: Record = field(default_factory=Record)
    starts_s: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(0.02)
        child = self.yard.children[-1]
        if self.yard.at_work(child):
            self.now_s += 0.02
            if not (self.yard.folder / "enough").exists():
                self.hurt(child.pid)
                (self.yard.folder / "enough").touch()

    def start(self) -> Child:
        self.starts_s.append(self.now_s)
        return self.yard.start(self.hows.pop(0))

    def run(self, limits: Limits) -> int:
        folder, say = self.yard.folder, self.said.append
        supervisor = Supervisor(
            folder, self.start, self.record, limits, say, clock=self, sleep=self.sleep
        )
        return supervisor.watch()

    def told(self, text: str) -> bool:
        return any(text in line for line in self.said)


NEVER_S = 1e9
PATIENT = Limits(
    look_s=0.02, frozen_s=NEVER_S, stuck_s=NEVER_S, stop_s=NEVER_S, backoff_s=0.02, tries=3
)


def test_a_killed_runner_is_started_again_to_its_verdict(yard):
    watch = Watch(yard, ["work", "work"], lambda pid: os.kill(pid, signal.SIGKILL))
    assert watch.run(PATIENT) == 0
    assert watch.record.failures == {"train": 1}
    assert watch.told("train: the runner was killed by SIGKILL (1 of 3 failures)")
    assert yard.worker_is_gone()


def test_a_frozen_runner_is_woken_to_write_its_checkpoint_and_started_again(yard):
    watch = Watch(yard, ["hang", "work"], lambda pid: os.kill(pid, signal.SIGSTOP))
    assert watch.run(replace(PATIENT, frozen_s=1.0)) == 0
    assert watch.told("frozen: no heartbeat for 1 s")
    assert (yard.folder / "checkpoint").exists()
    assert yard.children[0].poll() == End(3)
    assert watch.record.failures == {"train": 1}


def test_a_runner_whose_work_hangs_while_its_heart_beats_is_noticed(yard):
    watch = Watch(yard, ["hang", "work"], lambda pid: None)
    assert watch.run(replace(PATIENT, stuck_s=1.0)) == 0
    assert watch.told("stuck: alive, but no progress for 1 s")
    assert (yard.folder / "checkpoint").exists()


def test_one_that_does_not_listen_is_killed_with_its_workers_after_the_deadline(yard):
    watch = Watch(yard, ["deaf", "work"], lambda pid: None)
    assert watch.run(replace(PATIENT, stuck_s=0.5, stop_s=0.5)) == 0
    assert watch.told("does not end by itself; it is killed")
    assert not (yard.folder / "checkpoint").exists()
    assert yard.children[0].poll() == End(-9)
    assert watch.starts_s[1] >= 1.0


def test_a_runner_that_is_at_work_already_is_watched_and_not_doubled(yard):
    """As after a supervisor was killed: the next one hears of the end, and asks for the verdict."""
    first = yard.start()
    yard.wait_until(lambda: yard.at_work(first))
    watch = Watch(yard, ["work"], lambda pid: None)
    assert watch.run(PATIENT) == 0
    assert watch.told(f"found a runner at work: process {first.pid}")
    assert first.poll() == End(0)
    assert watch.record.starts == 1
    assert watch.record.failures == {}
