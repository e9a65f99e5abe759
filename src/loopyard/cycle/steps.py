"""The steps of a campaign's cycles: done once, keyed by all that came before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loopyard.cycle.config import Campaign
from loopyard.cycle.journal import Journal
from loopyard.cycle.observer import CampaignObserver
from loopyard.cycle.planning.plan import CyclePlan

Facts = dict[str, Any]
Work = Callable[[float | None], Facts]
"""A step's work: given the ``monotonic()`` at which its box ends, or None, it makes its facts."""


class Steps:
    """Runs steps one after another; the key of each holds the recipe and all steps before it."""

    def __init__(self, campaign: Campaign, journal: Journal, observer: CampaignObserver) -> None:
        self._journal, self._observer = journal, observer
        self._recipe = campaign.recipe()
        self._lineage: list[Any] = [self._recipe]

    def run(
        self, plan: CyclePlan, name: str, work: Work, box_minutes: float | None = None
    ) -> Facts:
        """The facts of one step of a cycle. box_minutes: what all tries at it may take."""
        inputs = [*self._lineage, plan.__dict__, name]
        facts = self._do(plan.cycle, name, inputs, work, box_minutes)
        self._lineage.append([plan.cycle, name])
        return facts

    def aside(
        self, cycle: int, name: str, inputs: Any, work: Work, box_minutes: float | None
    ) -> Facts:
        """A step that may run while others do: its key holds the recipe and ``inputs`` alone."""
        return self._do(cycle, name, [self._recipe, name, inputs], work, box_minutes)

    def _do(
        self, cycle: int, name: str, inputs: Any, work: Work, box_minutes: float | None
    ) -> Facts:
        box_s = None if box_minutes is None else 60.0 * box_minutes
        facts, reused = self._journal.step(f"cycle-{cycle}/{name}", inputs, work, box_s)
        if reused:
            self._observer.note(f"cycle {cycle}: {name}: done earlier")
        return facts
