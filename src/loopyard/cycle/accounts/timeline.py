"""When each step of a campaign ran, read from its event log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from loopyard.cycle.journal import STEP_BEGUN, STEP_DONE, STOPPED
from loopyard.store.events import Event

DOWN_S = 10.0
"""Wall time that the campaign did not run for so long: it was stopped, or the machine slept."""


@dataclass(frozen=True)
class Span:
    """A stretch of work at one step, in seconds of running time; done: the step ended with it."""

    step: str
    begin_s: float
    end_s: float
    done: bool

    @property
    def seconds(self) -> float:
        return self.end_s - self.begin_s

    @property
    def cycle(self) -> int | None:
        """2 of ``cycle-2/train``; None of steps that belong to none."""
        return cycle_and_stage(self.step)[0]

    @property
    def stage(self) -> str:
        """``train`` of ``cycle-2/train``."""
        return cycle_and_stage(self.step)[1]


@dataclass(frozen=True)
class Timeline:
    """Spans in the order they began, and when the campaign went on after it was stopped.

    All in seconds of running time, restarts cut out; down_s is what they took together.
    """

    spans: tuple[Span, ...] = ()
    restarts_s: tuple[float, ...] = ()
    down_s: float = 0.0

    @property
    def end_s(self) -> float:
        return max((span.end_s for span in self.spans), default=0.0)

    def of(self, step: str) -> tuple[Span, ...]:
        """The spans of one step; several after a restart."""
        return tuple(span for span in self.spans if span.step == step)


def cycle_and_stage(step: str) -> tuple[int | None, str]:
    """``cycle-2/train`` -> (2, ``train``); ``gate`` and ``gate-2`` -> (None, ``gate``)."""
    head, slash, stage = step.partition("/")
    name, _, number = head.partition("-")
    return (int(number), stage) if slash and number.isdigit() else (None, name)


def read_timeline(events: Iterable[Event]) -> Timeline:
    """From a campaign's events in order; a step still open ends where the log does."""
    reader = _Reader()
    for event in events:
        if "used_s" in event.data:
            reader.read(event)
    return reader.timeline()


@dataclass
class _Reader:
    spans: list[Span] = field(default_factory=list)
    restarts_s: list[float] = field(default_factory=list)
    down_s: float = 0.0
    open: dict[str, float] = field(default_factory=dict)
    last: Event | None = None

    def read(self, event: Event) -> None:
        used_s, step = float(event.data["used_s"]), event.data.get("step")
        down_s = self._down(event)
        again = event.kind == STEP_BEGUN and step in self.open
        if self.last is not None and (down_s > DOWN_S or again or self.last.kind == STOPPED):
            self._restarted(float(self.last.data["used_s"]), down_s)
        if event.kind == STEP_BEGUN and step:
            self.open[step] = used_s
        elif event.kind == STEP_DONE and step in self.open:
            self.spans.append(Span(step, self.open.pop(step), used_s, done=True))
        elif event.kind == STOPPED:
            self._close(used_s)
        self.last = event

    def _down(self, event: Event) -> float:
        """Wall time since the event before that no running time stands for."""
        if self.last is None:
            return 0.0
        ran_s = event.data["used_s"] - self.last.data["used_s"]
        return event.wall_s - self.last.wall_s - ran_s

    def _restarted(self, at_s: float, down_s: float) -> None:
        self._close(at_s)
        self.restarts_s.append(at_s)
        self.down_s += max(0.0, down_s)

    def _close(self, at_s: float) -> None:
        """What was open ends there, undone."""
        self.spans += [Span(step, begin_s, at_s, done=False) for step, begin_s in self.open.items()]
        self.open.clear()

    def timeline(self) -> Timeline:
        if self.last is not None:
            self._close(float(self.last.data["used_s"]))
        spans = sorted(self.spans, key=lambda span: span.begin_s)
        return Timeline(tuple(spans), tuple(self.restarts_s), self.down_s)


def seconds_by_cycle(spans: Sequence[Span]) -> dict[int | None, float]:
    """Running time of each cycle, and under None of what belongs to none.

    Where steps of several cycles run side by side, each gets its part of the time: the sum is the
    time in which any step ran.
    """
    edges = sorted({edge for span in spans for edge in (span.begin_s, span.end_s)})
    found: dict[int | None, float] = {}
    for begin_s, end_s in pairwise(edges):
        at_work = {s.cycle for s in spans if s.begin_s <= begin_s and s.end_s >= end_s}
        for cycle in at_work:
            found[cycle] = found.get(cycle, 0.0) + (end_s - begin_s) / len(at_work)
    return found
