"""Does the climb help? A failing corner of 0.1 % of a box, found by the search and by chance.

python benchmarks/adversary_corner.py [--searches 20] [--rollouts 300]

No world is driven: a drive fails where each of five parameters is above 0.75, and else takes longer
the larger they are, as slow successes do near a time limit.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from _record import record
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.adversary.search import SearchSettings, search, spread_points
from loopyard.evaluation.adversary.space import open_space
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.statistics import wilson

NAMES = ("a", "b", "c", "d", "e")
CORNER = 0.75
CHECK = 10


def drive(scenes: Sequence[tuple[Scenario, int]]) -> list[RolloutRecord]:
    return [RolloutRecord(seed, scenario, outcome(scenario)) for scenario, seed in scenes]


def outcome(scenario: Scenario) -> Outcome:
    values = [scenario.params[name] for name in NAMES]
    failed = min(values) > CORNER
    seconds = 5.0 + 50.0 * float(np.mean(values))
    return Outcome(not failed, 0.0 if failed else 1.0, 10, seconds, "rule")


def found(count: int, of: int) -> dict[str, Any]:
    low, high = wilson(count, of)
    return {"found": count, "of": of, "wilson_95": [round(low, 4), round(high, 4)]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--rollouts", type=int, default=300)
    options = parser.parse_args()
    base = Scenario(world="rule:Rule", params=dict.fromkeys(NAMES, 0.2))
    space = open_space(base, dict.fromkeys(NAMES, (0.0, 1.0)))
    points = options.rollouts - 2 * CHECK
    climbed = looked = 0
    for seed in range(options.searches):
        settings = SearchSettings(options.rollouts, scenes=1, check=CHECK, seed=seed)
        climbed += bool(search(space, settings, drive).tried.failures.any())
        looked += bool((spread_points(points, len(NAMES), seed).min(axis=1) > CORNER).any())
    record(
        "adversary_corner",
        {
            "share_of_the_box_that_fails": round((1 - CORNER) ** len(NAMES), 5),
            "points": points,
            "search": found(climbed, options.searches),
            "latin_hypercube_of_as_many_points": found(looked, options.searches),
        },
    )


if __name__ == "__main__":
    main()
