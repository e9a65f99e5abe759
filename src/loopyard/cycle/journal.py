"""What a campaign has done: its event log read as finished steps and time used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopyard.core.clock import Clock, Stopwatch, SystemClock
from loopyard.core.stop import look_for_stop
from loopyard.cycle.heartbeat import Heartbeat
from loopyard.cycle.products import sealed_products
from loopyard.store.events import EventLog
from loopyard.store.failpoint import failpoint

STEP_BEGUN, STEP_DONE, STOPPED, ALIVE = "step_begun", "step_done", "stopped", "alive"
ALIVE_EVERY_S = 5.0
"""A killed campaign forgets at most about so much of the time it used."""


class Journal:
    """Finished steps are reused, time used is kept over restarts.

    A step is named and keyed by the digest of what it depends on: done once under a key, its facts
    come from the log from then on. heartbeat: told of each step and each unit of work; where its
    lease is lost, no event is written.
    """

    def __init__(
        self, path: Path, clock: Clock | None = None, heartbeat: Heartbeat | None = None
    ) -> None:
        self._heartbeat = heartbeat
        self._log = EventLog(path, fence=None if heartbeat is None else heartbeat.check)
        self._done = {
            (event.data["step"], event.data["key"]): event.data["facts"]
            for event in self._log.events(STEP_DONE)
        }
        self._begun: dict[tuple[str, str], float] = {}
        for event in self._log.events(STEP_BEGUN):
            step = event.data["step"], event.data["key"]
            self._begun.setdefault(step, event.data["used_s"])
        used = [event.data["used_s"] for event in self._log.events() if "used_s" in event.data]
        self._noted_s = max(used, default=0.0)
        self._clock = clock or SystemClock()
        self._watch = Stopwatch(self._clock, self._noted_s)
        self.on_done: Callable[[str, dict[str, Any]], None] = lambda step, facts: None
        """Hears of each step that is done, now or in an earlier try."""

    @property
    def used_s(self) -> float:
        """Seconds this campaign has run, earlier tries included."""
        return self._watch.seconds()

    def step(
        self,
        name: str,
        inputs: Any,
        work: Callable[[float | None], dict[str, Any]],
        box_s: float | None = None,
    ) -> tuple[dict[str, Any], bool]:
        """(facts, was it done before). ``work`` is itself resumable where it takes long.

        What the step made is sealed before the event that names it. ``took_s`` joins the facts:
        seconds of all tries at this step. box_s: how long all tries
        together may take; ``work`` is given the ``monotonic()`` of their end, or None.
        """
        look_for_stop()
        key = digest_of(inputs)
        if (name, key) in self._done:
            self.on_done(name, self._done[name, key])
            return self._done[name, key], True
        begin_s = self._begun.setdefault((name, key), self.used_s)
        if self._heartbeat is not None:
            self._heartbeat.at(name)
        self._note(STEP_BEGUN, step=name, key=key)
        failpoint("step.begun")
        left_s = None if box_s is None else max(0.0, begin_s + box_s - self.used_s)
        facts = work(None if left_s is None else self._clock.monotonic() + left_s)
        failpoint("step.worked")
        artifacts = sealed_products(self._log.path.parent, name, facts)
        facts = {**facts, "took_s": round(self.used_s - begin_s, 3)}
        self._note(STEP_DONE, step=name, key=key, facts=facts, artifacts=artifacts)
        failpoint("step.done")
        self._done[name, key] = facts
        self.on_done(name, facts)
        return facts, False

    def alive(self) -> None:
        """Called often while a step works: notes now and then how much time was used."""
        if self._heartbeat is not None:
            self._heartbeat.progress()
        if self.used_s - self._noted_s >= ALIVE_EVERY_S:
            self._note(ALIVE)

    def record(self, kind: str, **facts: Any) -> None:
        """An event that is no step, such as a message."""
        self._note(kind, **facts)

    def stopped(self, reason: str) -> None:
        self._note(STOPPED, reason=reason)

    def _note(self, kind: str, **facts: Any) -> None:
        self._noted_s = self.used_s
        self._log.append(kind, **facts, used_s=self._noted_s)

    def times(self) -> dict[str, float]:
        """Seconds of each finished step, in order."""
        return {name: facts.get("took_s", 0.0) for (name, _), facts in self._done.items()}

    def close(self) -> None:
        self._log.close()


def digest_of(inputs: Any) -> str:
    """16 hex digits of JSON-able inputs."""
    text = json.dumps(inputs, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
