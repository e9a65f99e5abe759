"""What a simulated latency does to a drive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.scenario import Scenario
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.execution import LatencyModel, start_execution
from loopyard.evaluation.rollout import rollout

WORLD = "glue_world:GlueWorld"
SCENARIO = Scenario(world=WORLD)
SEEDS = range(900_001, 900_013)


class Told:
    """Action k of the chunk of tick t is (t + 1, k)."""

    chunk_size = 6
    temporal_ensemble: float | None = None

    def __init__(self, n_action_steps: int = 2) -> None:
        self.n_action_steps = n_action_steps


def actions(policy: Told, latency: LatencyModel | None, ticks: int) -> list[tuple[int, int]]:
    execution = start_execution(policy, latency)
    given = []
    for tick in range(ticks):
        if tick % execution.stride == 0:
            execution.offer(np.array([[tick + 1, k] for k in range(6)], np.float32))
        given.append(tuple(map(int, execution.next())))
    return given


def test_no_delay_is_no_delay():
    for asynchronous in (False, True):
        for steps in (1, 2, 6):
            latency = LatencyModel(0, asynchronous)
            assert actions(Told(steps), latency, 20) == actions(Told(steps), None, 20)


def test_asynchronous_drops_what_is_past():
    given = actions(Told(), LatencyModel(3), 10)
    assert given == [(0, 0)] * 3 + [(1, 3), (1, 4), (1, 5), (4, 3), (4, 4), (4, 5), (7, 3)]


def test_it_predicts_before_the_chunk_runs_out():
    assert actions(Told(6), LatencyModel(2), 12)[2:] == [
        *[(1, k) for k in range(2, 6)],
        *[(5, k) for k in range(2, 6)],
        *[(9, k) for k in range(2, 4)],
    ]


def test_chunks_that_end_before_the_next_comes_leave_the_robot_standing():
    execution_actions = actions(Told(), LatencyModel(4), 12)
    assert execution_actions[4:] == [(1, 4), (1, 5), (0, 0), (0, 0)] + [(5, 4), (5, 5)] + 2 * [
        (0, 0)
    ]


def test_blocking_holds_the_last_action_and_drives_an_old_plan():
    given = actions(Told(), LatencyModel(3, asynchronous=False), 12)
    assert given == [(0, 0)] * 3 + [(1, 0), (1, 1)] + [(1, 1)] * 3 + [(6, 0), (6, 1)] + 2 * [(6, 1)]


@pytest.mark.parametrize(
    ("delay_ms", "fps", "ticks"), [(0, 10, 0), (1, 10, 1), (100, 10, 1), (150, 10, 2), (100, 30, 3)]
)
def test_milliseconds_in_ticks(delay_ms, fps, ticks):
    assert LatencyModel.of_ms(delay_ms, fps, asynchronous=True).delay_ticks == ticks


@pytest.mark.parametrize("delay_ms", [-1.0, float("nan"), float("inf")])
def test_an_impossible_delay_is_named(delay_ms):
    with pytest.raises(ConfigError, match="delay_ms: found"):
        LatencyModel.of_ms(delay_ms, 10, asynchronous=True)


def test_a_latency_that_no_chunk_outlasts_is_refused():
    with pytest.raises(ConfigError, match="delay_ticks: found 6, expected less than"):
        start_execution(Told(), LatencyModel(6))
    assert start_execution(Told(), LatencyModel(6, asynchronous=False)).stride == 8
    averaging = Told()
    averaging.temporal_ensemble = 0.01
    with pytest.raises(ConfigError, match=r"temporal_ensemble: found 0\.01"):
        start_execution(averaging, LatencyModel(1))


def test_a_drive_is_the_same_however_it_is_spread(importable_worlds):
    from glue_world import Homing

    latency = LatencyModel(3)
    found = [
        evaluate(Homing(), WORLD, seeds=SEEDS, latency=latency, lockstep=lockstep)
        for lockstep in (1, 5)
    ]
    assert [r.outcome for r in found[0].records] == [r.outcome for r in found[1].records]
    assert [r.metrics for r in found[0].records] == [r.metrics for r in found[1].records]


def test_a_latency_changes_the_drive_and_its_name(importable_worlds):
    from glue_world import GlueWorld, Homing

    class Named(Homing):
        digest = "homing"

    models = [None, LatencyModel(0), LatencyModel(4), LatencyModel(4, asynchronous=False)]
    found = [evaluate(Named(), WORLD, seeds=SEEDS, latency=model) for model in models]
    assert len({result.policy for result in found}) == 4
    plain, none, asynchronous, blocking = (result.records[0] for result in found)
    assert plain.outcome == none.outcome
    assert plain.outcome.steps < asynchronous.outcome.steps
    assert "late_ticks" not in plain.metrics
    assert asynchronous.metrics["starting_ticks"] == 4.0
    assert asynchronous.metrics["observation_age_ticks"] == pytest.approx(4.5, abs=0.3)
    assert blocking.metrics["late_ticks"]
    simulated = found[3].summary()["simulated_latency"]
    assert simulated == {"delay_ticks": 4, "asynchronous": False}
    assert "simulated_latency" not in found[0].summary()
    world: Any = GlueWorld()
    alone = rollout(world, Named(), SCENARIO, SEEDS[0], latency=LatencyModel(4))
    assert alone.outcome == asynchronous.outcome


def test_traces_do_not_claim_borders_of_chunks(tmp_path, importable_worlds):
    from loopyard.evaluation.trace import read_trace

    evaluate(
        "zero", WORLD, seeds=SEEDS[:1], workers=0, out=tmp_path, latency=LatencyModel(2), lockstep=1
    )
    traces = list(tmp_path.rglob("*.npz"))
    assert [read_trace(path).stride for path in traces] == [1]
