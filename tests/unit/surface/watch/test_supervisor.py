"""The supervisor over made-up runners and a made-up clock: whom it starts again, and whom not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loopyard.core.errors import LeaseError
from loopyard.store.lease import RUN, WATCH, Lease, leases_of
from loopyard.store.owner import Owner
from loopyard.surface.watch.limits import Limits
from loopyard.surface.watch.record import Record
from loopyard.surface.watch.runner import End
from loopyard.surface.watch.supervisor import Supervisor

LIMITS = Limits(look_s=1.0, frozen_s=5.0, stuck_s=20.0, stop_s=10.0, tries=3, backoff_s=2.0)


@dataclass
class Life:
    """What a runner does: lives so long at one step, then ends with a code.

    ended: what it leaves in its lease; None where it has no time to. silent, idle: from when on it
    does not beat, or does not work. obeys: ends when asked to.
    """

    code: int = 0
    ended: str | None = ""
    lives_s: float = 10.0
    step: str = "cycle-1/train"
    silent: bool = False
    idle: bool = False
    obeys: bool = True


@dataclass
class Actor:
    """A runner that plays a life."""

    life: Life
    pid: int
    folder: Path
    born_s: float
    now_s: float = 0.0
    told: list[str] = field(default_factory=list)
    end: End | None = None

    def __post_init__(self) -> None:
        self.now_s = self.born_s
        owner = Owner("host", "boot", "", self.pid, 1)
        self.lease = Lease(leases_of(self.folder), RUN, owner=owner, is_dead=lambda held: True)
        if self.life.step:
            self.lease.acquire()
            self.lease.renew(step=self.life.step)

    def tick(self, now_s: float) -> None:
        self.now_s = now_s
        if self.end is None and self.life.step and not self.life.silent:
            progress = 0 if self.life.idle else int(10 * now_s)
            self.lease.renew(step=self.life.step, progress=progress)

    def poll(self) -> End | None:
        if self.end is None and self.now_s - self.born_s >= self.life.lives_s:
            self._finish(self.life.code, self.life.ended)
        return self.end

    def ask_to_stop(self) -> None:
        self.told.append("stop")
        if self.life.obeys:
            self._finish(3, "KeyboardInterrupt")

    def kill(self) -> None:
        self.told.append("kill")
        self._finish(-9, None)

    def _finish(self, code: int, ended: str | None) -> None:
        if ended is not None:
            self.lease.release(ended)
        self.end = End(code)


class Stage:
    """Where runners and their supervisor play; time passes when that one sleeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = 1000.0
        self.lives: list[Life] = []
        self.actors: list[Actor] = []
        self.starts_s: list[float] = []
        self.said: list[str] = []
        self.record = Record()
        self.on_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        for actor in self.actors:
            actor.tick(self.now_s)
        self.on_sleep()

    def start(self) -> Actor:
        self.starts_s.append(self.now_s - 1000.0)
        actor = Actor(self.lives.pop(0), 100 + len(self.actors), self.folder, self.now_s)
        self.actors.append(actor)
        return actor

    def supervisor(self) -> Supervisor:
        return Supervisor(
            self.folder,
            self.start,
            self.record,
            LIMITS,
            self.said.append,
            clock=self,
            sleep=self.sleep,
        )

    def watch(self, *lives: Life) -> int:
        self.lives = list(lives)
        return self.supervisor().watch()


MEMORY = Path("/dev/shm")
"""Where the fsyncs of all those made-up beats cost nothing."""


@pytest.fixture
def stage() -> Iterator[Stage]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        yield Stage(Path(place) / "trial")


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


KILLED = Life(code=-9, ended=None)


@pytest.mark.parametrize("code", [0, 1])
def test_a_verdict_is_the_end(stage, code):
    assert stage.watch(Life(code=code)) == code
    assert len(stage.actors) == 1
    assert Record.read(stage.folder).state == "done"


@pytest.mark.parametrize(
    ("life", "code", "state"),
    [
        (Life(code=2, ended="ConfigError"), 2, "refused"),
        (Life(code=2, ended=None, step=""), 2, "refused"),
        (Life(code=3, ended="KeyboardInterrupt"), 3, "stopped"),
        (Life(code=3, ended="Interrupted"), 3, "stopped"),
        (Life(code=3, ended="NoSpaceError"), 3, "paused"),
    ],
)
def test_some_ends_are_no_reason_to_start_again(stage, life, code, state):
    assert stage.watch(life) == code
    assert len(stage.actors) == 1
    assert Record.read(stage.folder).state == state


@pytest.mark.parametrize(
    ("life", "how"),
    [
        (KILLED, "killed by SIGKILL"),
        (Life(code=-11, ended=None), "killed by SIGSEGV"),
        (Life(code=70, ended="ZeroDivisionError"), "exit code 70"),
        (Life(code=3, ended="WorkerError"), "exit code 3"),
    ],
)
def test_a_crash_is_a_reason_to_start_again(stage, life, how):
    assert stage.watch(life, Life()) == 0
    left = Record.read(stage.folder)
    assert left.starts == 2
    assert left.started_wall_s == 1000.0 + stage.starts_s[1]
    assert left.failures == {"cycle-1/train": 1}
    assert any(how in line for line in stage.said)


def test_a_python_that_cannot_start_is_no_verdict(stage):
    """It ends with 1, as a rejection does, but it never held the lease."""
    broken = Life(code=1, ended=None, step="", lives_s=0.0)
    assert stage.watch(broken, broken, broken) == 3
    assert stage.record.failures == {"start": 3}
    assert stage.record.state == "paused"


def test_the_same_step_failing_three_times_pauses_and_says_so(stage):
    assert stage.watch(KILLED, KILLED, KILLED) == 3
    assert len(stage.actors) == 3
    left = Record.read(stage.folder)
    assert left.state == "paused"
    assert "cycle-1/train: the runner was killed by SIGKILL (3 of 3 failures)" in left.reason
    assert left.reason in stage.said[-1]


def test_failures_of_different_steps_do_not_add_up(stage):
    lives = [Life(code=-9, ended=None, step=step) for step in "aabb"]
    assert stage.watch(*lives, Life()) == 0
    assert stage.record.failures == {"a": 2, "b": 2}


def test_each_failure_of_a_step_doubles_the_wait(stage):
    now = Life(code=-9, ended=None, lives_s=0.0)
    stage.watch(now, now, now)
    assert stage.starts_s == [0.0, 2.0, 6.0]


def test_the_wait_has_an_end():
    assert [LIMITS.delay_s(failures) for failures in (1, 2, 3, 8, 9, 5000)] == [
        *(2.0, 4.0, 8.0, 256.0, 300.0, 300.0)
    ]


def test_a_runner_alive_but_stuck_is_asked_to_stop_and_started_again(stage):
    assert stage.watch(Life(idle=True, lives_s=1e9), Life()) == 0
    assert stage.actors[0].told == ["stop"]
    assert any("stuck: alive, but no progress for 20 s" in line for line in stage.said)
    assert 20.0 <= stage.starts_s[1] <= 25.0
    assert stage.record.failures == {"cycle-1/train": 1}


def test_a_frozen_runner_that_does_not_listen_is_killed_after_the_deadline(stage):
    assert stage.watch(Life(silent=True, idle=True, obeys=False, lives_s=1e9), Life()) == 0
    assert stage.actors[0].told == ["stop", "kill"]
    assert any("frozen: no heartbeat for 5 s" in line for line in stage.said)
    assert 5.0 + 10.0 + 2.0 <= stage.starts_s[1] <= 20.0


def test_one_that_works_slowly_is_left_alone(stage):
    assert stage.watch(Life(lives_s=200.0)) == 0
    assert stage.actors[0].told == []


def test_one_that_never_comes_to_life_is_stuck(stage):
    assert stage.watch(Life(step="", lives_s=1e9), Life()) == 0
    assert 20.0 <= stage.starts_s[1] <= 25.0
    assert stage.record.failures == {"start": 1}


def test_when_the_whole_machine_slept_the_runner_is_given_its_time_anew(stage):
    slept = []

    def sleep_an_hour_once():
        if stage.now_s >= 1004.0 and not slept:
            slept.append(stage.now_s)
            stage.now_s += 3600.0

    stage.on_sleep = sleep_an_hour_once
    assert stage.watch(Life(lives_s=3700.0)) == 0
    assert slept
    assert stage.actors[0].told == []


@pytest.mark.parametrize(
    ("number", "state"), [(signal.SIGINT, "stopped"), (signal.SIGTERM, "watching")]
)
def test_asked_to_stop_it_stops_the_runner_too(stage, number, state):
    stage.on_sleep = lambda: os.kill(os.getpid(), number) if stage.now_s == 1003.0 else None
    assert stage.watch(Life(lives_s=1e9)) == 3
    assert stage.actors[0].told == ["stop"]
    assert Record.read(stage.folder).state == state


def test_asked_twice_it_kills(stage):
    stage.on_sleep = lambda: os.kill(os.getpid(), signal.SIGINT) if stage.now_s <= 1004 else None
    assert stage.watch(Life(lives_s=1e9, obeys=False)) == 3
    assert stage.actors[0].told == ["stop", "kill"]
    assert stage.now_s < 1010.0


def test_asked_to_stop_while_it_waits_it_starts_nobody(stage):
    stage.on_sleep = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert stage.watch(Life(code=-9, ended=None, lives_s=0.0)) == 3
    assert len(stage.actors) == 1


def test_one_campaign_has_one_supervisor(stage):
    other = Lease(leases_of(stage.folder), WATCH, clock=stage)
    other.acquire()
    with pytest.raises(LeaseError, match=f"watch: found process {os.getpid()}"):
        stage.watch()
    other.release()
    assert stage.watch(Life()) == 0


def test_a_supervisor_that_was_replaced_leaves_the_runner_alone(stage):
    def replace():
        if stage.now_s == 1007.0:
            late = Owner("host", "boot", "", 7, 7)
            Lease(leases_of(stage.folder), WATCH, owner=late, is_dead=lambda held: True).acquire()

    stage.on_sleep = replace
    with pytest.raises(LeaseError, match="process 7 on host took over"):
        stage.watch(Life(lives_s=1e9))
    assert stage.actors[0].told == []


def test_leases_of_an_earlier_boot_are_waited_for(stage):
    for name in (WATCH, RUN):
        early = Owner("host", "an earlier boot", "", 7, 7)
        Lease(leases_of(stage.folder), name, clock=stage, owner=early).acquire()
    assert stage.watch(Life()) == 0
    assert stage.starts_s == [20.0]
