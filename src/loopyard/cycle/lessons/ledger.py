"""The ledger: every lesson of a campaign, cycle by cycle, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.changes import Outcome, apply
from loopyard.cycle.lessons.lesson import Lesson, Record

State = Literal["open", "retired", "gone"]


class Entry(Record):
    """One lesson over the cycles.

    lesson: as it came last. came: the cycles in which it came. figures: (cycle, value), every time
    its figure was measured since it came first. state: ``retired``: a change was made and the
    figure is good since; ``gone``: it is good without a change.
    """

    lesson: Lesson
    came: tuple[int, ...]
    figures: tuple[tuple[int, float], ...]
    outcomes: tuple[Outcome, ...] = ()
    state: State = "open"

    @property
    def name(self) -> str:
        return self.lesson.name

    @property
    def escalated(self) -> bool:
        """It came more than once: a person has to look."""
        return self.state == "open" and len(self.came) > 1

    @property
    def applied(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.applied)

    def seen(self, cycle: int, lesson: Lesson) -> Entry:
        """After a cycle whose figure is that of ``lesson``."""
        figures = (*self.figures, (cycle, lesson.figure.value))
        if lesson.bad:
            came = (*self.came, cycle)
            return self._with(lesson=lesson, came=came, figures=figures, state="open")
        if self.state != "open":
            return self
        return self._with(figures=figures, state="retired" if self.applied else "gone")

    def asked_for(self, cycle: int) -> tuple[Outcome, ...]:
        """What became of the changes it asked for ``cycle``."""
        return tuple(outcome for outcome in self.outcomes if outcome.cycle == cycle)

    def without_effect(self) -> str:
        """Why its change is not made once more; empty where it may be.

        It was made, and the figure has not become better: more of the same is not the cure.
        """
        if not self.applied:
            return ""
        since = self.applied[-1].cycle - 1
        before = next(value for cycle, value in self.figures if cycle == since)
        if self.lesson.figure.better_than(before):
            return ""
        return (
            f"it was changed after cycle {since}, and the figure went from {before:.3g} to "
            f"{self.lesson.figure.value:.3g}: for a person to decide"
        )

    def _with(self, **parts: object) -> Entry:
        return self.model_copy(update=parts)


class Ledger(Record):
    """All lessons after a cycle, in the order in which they came first."""

    cycle: int = 0
    entries: tuple[Entry, ...] = ()

    @property
    def learned(self) -> tuple[Entry, ...]:
        """Those that came in this cycle."""
        return tuple(entry for entry in self.entries if self.cycle in entry.came)

    @property
    def settled(self) -> tuple[Entry, ...]:
        """Those that this cycle retired, or that are gone since."""
        return tuple(
            entry
            for entry in self.entries
            if entry.state != "open" and entry.figures[-1][0] == self.cycle
        )

    def outcomes(self, cycle: int) -> tuple[Outcome, ...]:
        """What became of every change that was asked for ``cycle``."""
        return tuple(outcome for entry in self.entries for outcome in entry.asked_for(cycle))

    def after(
        self, cycle: int, found: Sequence[Lesson], campaign: Campaign, veto: str = ""
    ) -> tuple[Ledger, Campaign]:
        """The ledger after a cycle in which the rules found this, and the next one's campaign.

        A pure function. campaign: as this cycle had it. veto: why nothing may be changed; empty
        where it may.
        """
        entries = {entry.name: entry for entry in self.entries}
        for lesson in found:
            known = entries.get(lesson.name)
            if known is not None:
                entries[lesson.name] = known.seen(cycle, lesson)
            elif lesson.bad:
                figures = ((cycle, lesson.figure.value),)
                entries[lesson.name] = Entry(lesson=lesson, came=(cycle,), figures=figures)
        came = [entry for entry in entries.values() if cycle in entry.came]
        if cycle >= len(campaign.wishes):
            veto = veto or "this was the last cycle"
        held = {entry.name: veto or entry.without_effect() for entry in came}
        asked = [entry.lesson for entry in came if not held[entry.name]]
        campaign, outcomes = apply(campaign, asked, cycle + 1)
        for entry in came:
            own = [outcome for outcome in outcomes if outcome.lesson == entry.name]
            own += _held(entry.lesson, cycle + 1, held[entry.name])
            entries[entry.name] = entry.model_copy(update={"outcomes": (*entry.outcomes, *own)})
        return Ledger(cycle=cycle, entries=tuple(entries.values())), campaign


def _held(lesson: Lesson, cycle: int, why: str) -> list[Outcome]:
    if not why:
        return []
    return [
        Outcome(lesson=lesson.name, setting=change.setting, cycle=cycle, applied=False, why=why)
        for change in lesson.changes
    ]
