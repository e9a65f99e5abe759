"""The lease in any order of events: four processes against a model of one line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loopyard.core.errors import LeaseError
from loopyard.store.lease import Lease
from loopyard.store.owner import Owner


@dataclass
class FakeClock:
    """Time that passes when told to. The wall may jump."""

    now_s: float = 1000.0
    wall_s: float = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.wall_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.wall_s += seconds


PROCESSES = st.integers(0, 3)
EXPIRY_S = 20.0
MEMORY = Path("/dev/shm")
"""Where thousands of fsyncs cost nothing."""


class Leases(RuleBasedStateMachine):
    """Four processes that acquire, renew, crash, sleep and release, against a model of one line:
    who holds, and when it was last heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.folder = Path(self.place.name) / "leases"
        self.clock = FakeClock()
        self.dead: set[int] = set()
        self.started = 0
        self.leases = {place: self._new_process() for place in range(4)}
        self.model: tuple[int, float] | None = None
        self.tokens = [0]

    def _new_process(self) -> Lease:
        self.started += 1
        return Lease(
            self.folder,
            "run",
            expiry_s=EXPIRY_S,
            clock=self.clock,
            owner=Owner("host", "boot", "pid:[1]", self.started, self.started),
            is_dead=lambda held: held.pid in self.dead,
        )

    def _holds(self, place: int) -> bool:
        return self.model is not None and self.model[0] == self.leases[place]._owner.pid

    def _free(self) -> bool:
        if self.model is None or self.model[0] in self.dead:
            return True
        return self.clock.now_s - self.model[1] >= EXPIRY_S

    @rule(place=PROCESSES)
    def acquire(self, place):
        lease = self.leases[place]
        if not self._free():
            with pytest.raises(LeaseError):
                lease.acquire()
            return
        lease.acquire()
        assert lease.token > self.tokens[-1]
        self.tokens.append(lease.token)
        self.model = (lease._owner.pid, self.clock.now_s)

    @rule(place=PROCESSES, progress=st.integers(0, 9))
    def renew(self, place, progress):
        lease = self.leases[place]
        if not self._holds(place):
            with pytest.raises(LeaseError):
                lease.renew(progress=progress)
            return
        lease.renew(step="s", progress=progress)
        self.model = (lease._owner.pid, self.clock.now_s)

    @rule(place=PROCESSES)
    def release(self, place):
        holds = self._holds(place)
        self.leases[place].release()
        if holds:
            self.model = None

    @rule(place=PROCESSES)
    def crash(self, place):
        """Another process starts in its place."""
        self.dead.add(self.leases[place]._owner.pid)
        self.leases[place] = self._new_process()

    @rule(seconds=st.sampled_from([0.5, 5.0, 19.5, 20.0, 60.0]))
    def wait(self, seconds):
        self.clock.pass_s(seconds)

    @precondition(lambda self: self.model is not None)
    @rule(jump_s=st.sampled_from([-3600.0, 3600.0]))
    def wall_clock_jumps(self, jump_s):
        self.clock.wall_s += jump_s

    @invariant()
    def one_at_most_may_write(self):
        may = [place for place in range(4) if self._may_write(place)]
        assert may == [place for place in range(4) if self._holds(place)]

    @invariant()
    def a_look_agrees(self):
        held = self.leases[0].holder()
        assert (held is None) == self._free()
        if held is not None:
            assert self.model is not None
            assert held.owner.pid == self.model[0]

    def _may_write(self, place: int) -> bool:
        try:
            self.leases[place].check()
        except LeaseError:
            return False
        return True

    def teardown(self):
        self.place.cleanup()


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
