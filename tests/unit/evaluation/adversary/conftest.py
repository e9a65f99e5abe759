"""Drives that fail by a rule: what a search asks for is answered in microseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.adversary.space import Space, open_space
from loopyard.evaluation.record import RolloutRecord

Fails = Callable[[dict[str, Any]], bool]


class Ruled:
    """A drive function: fails where the rule says. asked: every scene, in order."""

    def __init__(self, fails: Fails, **counts: int) -> None:
        self.fails, self.counts = fails, counts
        self.asked: list[tuple[Scenario, int]] = []

    def __call__(self, scenes: Sequence[tuple[Scenario, int]]) -> list[RolloutRecord]:
        self.asked += scenes
        return [RolloutRecord(seed, scenario, self._outcome(scenario)) for scenario, seed in scenes]

    def _outcome(self, scenario: Scenario) -> Outcome:
        failed = self.fails(scenario.params)
        progress = 0.3 if failed else 1.0
        return Outcome(not failed, progress, 10, 10.0, "x", dict(self.counts))


@pytest.fixture
def ruled() -> type[Ruled]:
    return Ruled


def toy_space(*names: str, **nominal: float) -> Space:
    """The unit box of some parameters of the slope world."""
    params = {**dict.fromkeys(names, 0.2), **nominal}
    base = Scenario(world="slope_world:SlopeWorld", params=params)
    return open_space(base, {name: (0.0, 1.0) for name in names})


@pytest.fixture
def space_of() -> Callable[..., Space]:
    return toy_space
