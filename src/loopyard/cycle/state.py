"""Where a campaign stands: a pure function of its events.

The same events give the same state, the first n of them that of the moment after the n-th. Events
of a kind that is not known here, or without what their kind needs, change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.errors import ConfigError, expected
from loopyard.cycle.journal import ALIVE, STEP_BEGUN, STEP_DONE, STOPPED
from loopyard.cycle.step_name import stage_of
from loopyard.store.event_reader import read_events
from loopyard.store.events import Event

LOG = "events.sqlite"
PLAN, GATE, SELECT, PROMOTE = "plan", "gate", "select", "promote"
KINDS = (STEP_BEGUN, STEP_DONE, STOPPED)
"""Every event of these counts; of `ALIVE`, only the last one of a log does."""
KNOWN = frozenset((*KINDS, ALIVE))

StepKey = tuple[str, str]


@dataclass(frozen=True)
class StepState:
    """A step that was begun. Times are seconds of running time, restarts cut out.

    began_s: at its first try. tries: how often it was begun. running: it was being worked on when
    the log ended. took_s: of all tries; None where it is not done.
    """

    name: str
    began_s: float
    tries: int = 1
    running: bool = True
    took_s: float | None = None

    @property
    def done(self) -> bool:
        return self.took_s is not None


@dataclass(frozen=True)
class CampaignState:
    """A campaign after its last event.

    used_s: running time. budget_s, cycles: of the plan; None before there is one. began_wall_s,
    alive_wall_s: seconds since the epoch of the first and the last event. stopped: why the last
    process ended, None where it did not say. verdict: the facts of the last gate; {} before one.
    finished: that gate was the last thing to do.
    """

    steps: tuple[StepState, ...] = ()
    used_s: float = 0.0
    budget_s: float | None = None
    cycles: int | None = None
    began_wall_s: float | None = None
    alive_wall_s: float | None = None
    stopped: str | None = None
    verdict: Mapping[str, Any] | None = None
    finished: bool = False

    @property
    def done(self) -> tuple[StepState, ...]:
        return tuple(step for step in self.steps if step.done)

    @property
    def open(self) -> tuple[StepState, ...]:
        """Begun and not done; not ``running`` where they wait for the next process."""
        return tuple(step for step in self.steps if not step.done)

    @property
    def left_s(self) -> float | None:
        """What is left of the budget; None where it is not known yet."""
        return None if self.budget_s is None else max(0.0, self.budget_s - self.used_s)


def read_state(run: Path) -> CampaignState:
    """Of a run folder, from its event log alone; nothing in it is made, locked or changed.

    Raises:
        ConfigError: the folder is no run folder. StoreError: its log cannot be read.
    """
    require_run(run)
    return state_of(read_events(run / LOG, KINDS, last_of=(ALIVE,)))


def require_run(run: Path) -> None:
    """Raises ConfigError where a folder has no event log."""
    if not (run / LOG).is_file():
        found = "a folder without it" if run.is_dir() else "nothing there"
        raise ConfigError(expected(str(run), "run", found, f"a run folder, with {LOG}"))


def state_of(events: Iterable[Event]) -> CampaignState:
    """The state after ``events``, in the order of the log."""
    reducer = _Reducer()
    for event in events:
        reducer.take(event)
    return reducer.state()


@dataclass(slots=True)
class _Step:
    """A `StepState` that changes: a log may have 100,000 events."""

    name: str
    began_s: float
    tries: int = 0
    running: bool = False
    took_s: float | None = None


class _Reducer:
    """Takes event after event; `state` is where they lead."""

    def __init__(self) -> None:
        self._steps: dict[StepKey, _Step] = {}
        self._running: dict[StepKey, _Step] = {}
        self._used_s = 0.0
        self._began_wall_s: float | None = None
        self._alive_wall_s: float | None = None
        self._stopped: str | None = None
        self._budget_s: float | None = None
        self._cycles: int | None = None
        self._verdict: Mapping[str, Any] | None = None
        self._selected = self._gated = 0

    def take(self, event: Event) -> None:
        kind, data = event.kind, event.data
        used_s, name, digest = data.get("used_s"), data.get("step", ""), data.get("key", "")
        if kind not in KNOWN or not isinstance(used_s, int | float):
            return
        if not (isinstance(name, str) and isinstance(digest, str)):
            return
        self._used_s, self._alive_wall_s, self._stopped = used_s, event.wall_s, None
        if self._began_wall_s is None:
            self._began_wall_s = event.wall_s
        if kind == STEP_BEGUN:
            self._begin((name, digest), used_s)
        elif kind == STEP_DONE:
            self._finish((name, digest), used_s, data.get("facts"))
        elif kind == STOPPED:
            self._stopped = str(data.get("reason", ""))
            self._cut_off()

    def _begin(self, key: StepKey, used_s: float) -> None:
        if key in self._running:
            self._cut_off()  # a new process: what else was being done ended as well
        step = self._steps.setdefault(key, _Step(key[0], used_s))
        step.tries += 1
        step.running, step.took_s = True, None
        self._running[key] = step

    def _cut_off(self) -> None:
        for step in self._running.values():
            step.running = False
        self._running.clear()

    def _finish(self, key: StepKey, used_s: float, facts: Any) -> None:
        facts = facts if isinstance(facts, Mapping) else {}
        step = self._steps.setdefault(key, _Step(key[0], used_s, tries=1))
        took_s = facts.get("took_s")
        step.took_s = took_s if isinstance(took_s, int | float) else used_s - step.began_s
        step.running = False
        self._running.pop(key, None)
        stage, cycle = stage_of(key[0])
        if stage == PLAN:
            self._plan(facts)
        elif stage == SELECT:
            self._selected = max(self._selected, cycle or 0)
        elif stage == GATE and "verdict" in facts:
            self._verdict, self._gated = facts, self._selected

    def _plan(self, facts: Mapping[str, Any]) -> None:
        seconds, cycles = facts.get("seconds"), facts.get("cycles")
        if isinstance(seconds, Mapping) and isinstance(cycles, list):
            self._budget_s = seconds.get("budget", self._budget_s)
            self._cycles = max((part["cycle"] for part in cycles), default=self._cycles)

    def state(self) -> CampaignState:
        promoted = self._verdict is not None and self._verdict["verdict"] == PROMOTE
        last = self._verdict is not None and self._gated >= (self._cycles or math.inf)
        return CampaignState(
            steps=tuple(
                StepState(step.name, step.began_s, step.tries, step.running, step.took_s)
                for step in self._steps.values()
            ),
            used_s=self._used_s,
            budget_s=self._budget_s,
            cycles=self._cycles,
            began_wall_s=self._began_wall_s,
            alive_wall_s=self._alive_wall_s,
            stopped=self._stopped,
            verdict=self._verdict,
            finished=promoted or last,
        )
