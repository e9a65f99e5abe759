"""Scenes: how many a second are sampled, built and set up; and what a step costs in each mode.

Scenes a second: general scenarios of the mid-size yard, each different (another number of bricks,
another place of the box), so that each needs a model of its own; nothing is drawn on a screen. The
peer is the same with the model kept, as when one scenario has many scenes.

Step cost: the expert drives each mode, ten control ticks in turn with a general scene, so that what
else the machine does falls on both alike; the ratio of the two totals, with and without the camera.

    python benchmarks/scenes.py [--workers 2] [--scenes 2000] [--ticks 300]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from _record import record
from _set_up import MID, SetUp
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.executors.local import LocalExecutor
from loopyard.experts.registry import make_expert
from loopyard.scenarios.registry import built_in_registry
from loopyard.scenarios.suites import suite_scenes
from loopyard.worlds.registry import make_world

IN_TURN = 10


def scenes_per_s(workers: int, count: int, *, keep: bool) -> float:
    size = 50
    blocks: Iterable[tuple[int, int]] = ((at, size) for at in range(0, count, size))
    executor = LocalExecutor(workers)
    results = iter(executor.map(partial(SetUp, keep=keep), blocks))
    next(results)  # the workers have started
    begin_s = time.monotonic()
    return sum(results) / (time.monotonic() - begin_s)


def step_ratios(ticks: int) -> dict[str, dict[str, float]]:
    """{mode: cost of a step as a ratio to a general scene's, drawn and blind}."""
    found = {}
    for mode in built_in_registry().of_world("yard"):
        scenario, seed = suite_scenes(mode.id, 1, MID, built_in_registry())[0]
        found[mode.id] = {
            name: round(_ratio(scenario, seed, ticks, blind=blind), 2)
            for name, blind in (("drawn", False), ("blind", True))
        }
        print(mode.id, found[mode.id], flush=True)
    return found


def _ratio(scenario: Scenario, seed: int, ticks: int, *, blind: bool) -> float:
    pair = [_Drive(scenario, seed, blind=blind), _Drive(MID, seed, blind=blind)]
    for _ in range(ticks // IN_TURN):
        for drive in pair:
            drive.advance(IN_TURN)
    for drive in pair:
        drive.world.close()
    return pair[0].step_s / pair[1].step_s


class _Drive:
    """The expert in one scene, begun again when it is over; only steps are timed."""

    def __init__(self, scenario: Scenario, seed: int, *, blind: bool) -> None:
        self.world: Any = make_world("yard", preset=MID.preset)
        self._expert = make_expert(self.world)
        self._scenario, self._seed, self._blind = scenario, seed, blind
        self.step_s = 0.0
        self._reset()
        self.advance(3)
        self.step_s = 0.0

    def _reset(self) -> None:
        self.world.reset(seed=self._seed, options={"scenario": self._scenario})

    def advance(self, ticks: int) -> None:
        for _ in range(ticks):
            action = self._expert.act(self.world.truth())
            begin_s = time.perf_counter()
            if self._blind:
                over = self.world.step_blind(action)
            else:
                _, _, terminated, truncated, _ = self.world.step(action)
                over = terminated or truncated
            self.step_s += time.perf_counter() - begin_s
            if over:
                self._reset()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--scenes", type=int, default=2000)
    parser.add_argument("--ticks", type=int, default=300)
    options = parser.parse_args()
    ratios = step_ratios(options.ticks)
    worst = max(ratios, key=lambda mode: ratios[mode]["drawn"])
    facts = {
        "scenes_per_s_sampled_built_set_up": round(
            scenes_per_s(options.workers, options.scenes, keep=False), 1
        ),
        "scenes_per_s_set_up_alone": round(
            scenes_per_s(options.workers, options.scenes, keep=True), 1
        ),
        "step_cost_ratio_to_general": ratios,
        "costliest": {"mode": worst, **ratios[worst]},
    }
    record("scenes", facts)


if __name__ == "__main__":
    main()
