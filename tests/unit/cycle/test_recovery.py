"""Starts of recovery data: before the failure, in turns over the modes."""

from __future__ import annotations

import numpy as np

from loopyard.core.scenario import Scenario
from loopyard.cycle.dagger import RelabelPlan, relabel
from loopyard.cycle.recovery import Failure, failures_of, recovery_starts
from loopyard.executors.local import LocalExecutor


def failure(mode: str | None, seed: int, ticks: int = 100, onset_s: float | None = None) -> Failure:
    actions = np.arange(ticks, dtype=np.float32)[:, None] * [[1, 1]]
    scenario = Scenario(world="reach_world:ReachWorld", preset="", mode=mode)
    return Failure(scenario, seed, actions.astype(np.float32), onset_s)


def test_a_start_lies_before_the_onset_or_the_end():
    known, unknown = failure(None, 1, onset_s=6.0), failure(None, 2)
    starts = recovery_starts([known, unknown], 9, before_s=2.0, fps=10)
    assert [(start.seed, start.ticks) for start in starts] == [(1, 40), (2, 80), (1, 20), (2, 60)]
    assert starts[0].actions is not None
    assert np.array_equal(starts[0].actions, known.actions[:40])


def test_there_is_nothing_before_a_drive_that_failed_at_once():
    assert recovery_starts([failure(None, 1, onset_s=2.5)], 9, before_s=2.0, fps=10) == []
    assert recovery_starts([], 9, before_s=2.0, fps=10) == []


def test_modes_take_turns_the_heaviest_first():
    failures = [failure("FM-A01", seed) for seed in range(5)] + [failure("FM-C01", 9)]
    starts = recovery_starts(failures, 4, 2.0, 10, {"FM-C01": 2.0, "FM-A01": 1.0})
    assert [start.scenario.mode for start in starts] == ["FM-C01", "FM-A01"] * 2


def test_failures_are_read_with_what_was_executed(tmp_path):
    scene = Scenario(world="reach_world:ReachWorld", preset="", params={"max_steps": 8})
    plan = RelabelPlan("zero", scene, tmp_path / "data", lockstep=1, expert_share=0.5)
    relabel(plan, [(scene, seed) for seed in range(6)], LocalExecutor(0))
    failures = failures_of(tmp_path / "data", {(scene.digest, 2): 0.4})
    assert 0 < len(failures) <= 6
    assert {f.onset_s for f in failures if f.seed == 2} <= {0.4}
    assert all(f.onset_s is None for f in failures if f.seed != 2)
    assert all(f.actions.shape == (8, 2) for f in failures)
