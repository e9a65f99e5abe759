"""What the failure modes' registry costs, part by part; for benchmarks/diagnosis.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.cycle.feedback import learn, sampling_weights
from loopyard.evaluation.by_mode import results_by_mode
from loopyard.scenarios.registry import Registry
from loopyard.scenarios.registry_file import read_built_in
from loopyard.scenarios.sampling import sample
from loopyard.scenarios.suites import ALL_MODES, suite_scenes

MID = Scenario(world="yard", preset="mid")
"""All modes have room in it; the starter's rollouts are shorter, so that shares are on the high
side."""
CYCLE = 150
"""Rollouts of a campaign's cycle, which opening and learning are spread over."""
SCENES_A_MODE = 3


def registry_cost(rollout_cpu_s: float) -> dict[str, Any]:
    """CPU milliseconds a rollout of each part, and their sum as a share of a rollout's time."""
    registry = read_built_in()
    modes = registry.of_world(MID.world)
    parts_s = {
        "open": _cpu_s(read_built_in) / CYCLE,
        "sample": _cpu_s(lambda: sample(registry, MID, CYCLE, seed=0)) / CYCLE,
        "suite": _cpu_s(lambda: suite_scenes(ALL_MODES, SCENES_A_MODE, MID, registry))
        / (SCENES_A_MODE * len(modes)),
        "learn": _cpu_s(lambda: _learn(registry)) / CYCLE,
    }
    return {
        "cpu_ms_a_rollout": {name: round(1e3 * seconds, 3) for name, seconds in parts_s.items()},
        "rollout_cpu_ms": round(1e3 * rollout_cpu_s, 1),
        "added": round(sum(parts_s.values()) / rollout_cpu_s, 4),
    }


def _learn(registry: Registry) -> None:
    """As after a cycle: results by mode, the registry after them, and the next one's weights."""
    failed = Outcome(False, 0.0, 10, 1.0, "timeout")
    ids = [mode.id for mode in registry.modes]
    results = results_by_mode((ids[index % len(ids)], failed) for index in range(CYCLE))
    sampling_weights(learn(registry, results, cycle=1), results)


def _cpu_s(work: Callable[[], Any]) -> float:
    begin_s = time.process_time()
    work()
    return time.process_time() - begin_s
