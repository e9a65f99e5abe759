"""The supervisor: keeps one runner at work until there is a verdict, or no sense in going on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import NoSpaceError
from loopyard.cycle.heartbeat import BEAT_EVERY_S
from loopyard.store.lease import (
    EXPIRY_S,
    RUN,
    WATCH,
    Holding,
    Lease,
    leases_of,
    newest_holding,
)
from loopyard.surface.watch.health import Health
from loopyard.surface.watch.limits import Limits
from loopyard.surface.watch.record import Record, State
from loopyard.surface.watch.runner import End, Found, Runner

SIGNALS = (signal.SIGINT, signal.SIGTERM)
VERDICT, WRONG_USE, INTERRUPTED = (0, 1), 2, 3
BY_A_PERSON = ("KeyboardInterrupt", "Interrupted")
STARTING = "start"
"""What a runner is at before its first step."""


class Supervisor:
    """Watches over the campaign of one run folder.

    start: starts a runner. record: how far the supervisors before it came; it is kept up to date
    there and in the run folder. say: tells a person something.
    """

    def __init__(
        self,
        folder: Path,
        start: Callable[[], Runner],
        record: Record,
        limits: Limits,
        say: Callable[[str], None],
        *,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder, self._start, self._record = folder, start, record
        self._limits, self._say = limits, say
        self._clock, self._sleep = clock or SystemClock(), sleep
        self._lease = Lease(leases_of(folder), WATCH, clock=self._clock)
        self._renewed_s = 0.0
        self._signals: list[int] = []

    def watch(self) -> int:
        """Exit code of the command: the runner's verdict, or 2 or 3 where it was left alone.

        Raises:
            LeaseError: another supervisor watches over this campaign, or took over from this one.
        """
        self._outwait(self._lease)
        self._lease.acquire()
        try:
            with self._taking_signals():
                return self._watch()
        finally:
            self._lease.release()

    def _watch(self) -> int:
        self._leave("watching", "")
        runner = self._found()
        while True:
            if runner is None:
                runner = self._begin()
            complaint, end = self._follow(runner)
            code = self._asked() if self._signals else self._judge(runner, complaint, end)
            if code is not None:
                return code
            runner = None

    def _outwait(self, lease: Lease) -> None:
        """Give the lease of a process of an earlier boot or container the time to expire: nobody
        can tell that it is dead."""
        until_s = self._clock.monotonic() + EXPIRY_S + self._limits.look_s
        while (held := lease.holder()) is not None and not held.owner.is_near():
            if self._clock.monotonic() >= until_s:
                break  # it lives
            self._sleep(self._limits.look_s)

    def _found(self) -> Runner | None:
        """The runner that is there already, if any; its lease may have expired: a frozen one's."""
        newest = newest_holding(leases_of(self._folder), RUN)
        if newest is None or newest.ended is not None:
            return None
        if newest.owner.is_proven_dead() or not newest.owner.is_near():
            return None
        self._say(f"found a runner at work: process {newest.owner.pid}")
        return Found(newest.owner)

    def _begin(self) -> Runner:
        self._outwait(Lease(leases_of(self._folder), RUN, clock=self._clock))
        self._record.starts += 1
        self._record.started_wall_s = self._clock.wall()
        runner = self._start()
        self._leave("watching", "")
        self._say(f"started a runner: process {runner.pid}")
        return runner

    def _follow(self, runner: Runner) -> tuple[str | None, End]:
        """Look at a runner until it is gone; stop it where it is not well, or where asked to."""
        health = Health(self._limits, self._clock.monotonic())
        while True:
            end = runner.poll()
            if end is not None:
                return None, end
            if self._signals:
                self._say(f"asked to stop: process {runner.pid} is told")
                return None, self._stop(runner)
            complaint = health.complaint(self._holding(runner), self._clock.monotonic())
            if complaint is not None:
                self._say(f"process {runner.pid} is {complaint}; it is told to stop")
                return complaint, self._stop(runner)
            self._pass(self._limits.look_s)

    def _stop(self, runner: Runner) -> End:
        """Ask first, kill where that does not help in time, or where a person asks again."""
        asked = len(self._signals)
        runner.ask_to_stop()
        until_s = self._clock.monotonic() + self._limits.stop_s
        while (end := runner.poll()) is None:
            if self._clock.monotonic() >= until_s or len(self._signals) > asked:
                self._say(f"process {runner.pid} does not end by itself; it is killed")
                runner.kill()
                until_s = float("inf")
                asked = len(self._signals)
            self._pass(min(self._limits.look_s, 0.2))
        return end

    def _judge(self, runner: Runner, complaint: str | None, end: End) -> int | None:
        """What the end of a runner means: an exit code, or None to start another one."""
        holding = self._holding(runner)
        ended = None if holding is None else holding.ended
        if end.code in VERDICT and ended == "":
            return self._over("done", f"verdict reached (exit code {end.code})", end.code)
        if end.code == WRONG_USE:
            return self._over("refused", "see the runner's message", WRONG_USE)
        if complaint is None:
            if ended in BY_A_PERSON:
                return self._over("stopped", "the runner was interrupted", INTERRUPTED)
            if end.code == INTERRUPTED and ended != "WorkerError":
                return self._over("paused", f"the runner stopped: {ended}", INTERRUPTED)
            if end.code is None and ended is not None:
                return None  # nobody heard its verdict; the next runner finds all of it done
        step = (holding.step if holding else "") or STARTING
        return self._failed(step, complaint or _how(end))

    def _failed(self, step: str, how: str) -> int | None:
        failures = self._record.failures.get(step, 0) + 1
        self._record.failures[step] = failures
        told = f"{step}: {how} ({failures} of {self._limits.tries} failures)"
        if failures >= self._limits.tries:
            return self._over("paused", f"{told}; loopyard watch again to go on", INTERRUPTED)
        delay_s = self._limits.delay_s(failures)
        self._leave("watching", told)
        self._say(f"{told}; a new start in {delay_s:.0f} s")
        until_s = self._clock.monotonic() + delay_s
        while (left_s := until_s - self._clock.monotonic()) > 0:
            if self._signals:
                return self._asked()
            self._pass(min(left_s, self._limits.look_s))
        return None

    def _asked(self) -> int:
        """A person's Ctrl-C is meant to last; a SIGTERM comes from a system that goes down."""
        by_hand = self._signals[0] == signal.SIGINT
        self._leave("stopped" if by_hand else "watching", "asked to stop")
        return INTERRUPTED

    def _over(self, state: State, reason: str, code: int) -> int:
        self._leave(state, reason)
        self._say(f"{state}: {reason}")
        return code

    def _leave(self, state: State, reason: str) -> None:
        self._record.state, self._record.reason = state, reason
        with suppress(NoSpaceError):
            self._record.write(self._folder)

    def _holding(self, runner: Runner) -> Holding | None:
        """What the runner says of itself; None before it has begun to."""
        newest = newest_holding(leases_of(self._folder), RUN)
        return newest if newest is not None and newest.owner.pid == runner.pid else None

    def _pass(self, seconds: float) -> None:
        """Let time pass, and show that this supervisor lives. It does so in the very loop that
        works: one that hangs falls silent."""
        now_s = self._clock.monotonic()
        if now_s - self._renewed_s >= BEAT_EVERY_S:
            self._renewed_s = now_s
            with suppress(NoSpaceError):  # the runner will say so
                self._lease.renew()
        self._sleep(seconds)

    @contextmanager
    def _taking_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM only leave word; the loop looks for it."""

        def take(number: int, frame: Any) -> None:
            del frame
            self._signals.append(number)

        before = {number: signal.signal(number, take) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _how(end: End) -> str:
    if end.code is None:
        return "the runner is gone"
    if end.code < 0:
        return f"the runner was killed by {signal.Signals(-end.code).name}"
    return f"the runner ended with exit code {end.code}"
