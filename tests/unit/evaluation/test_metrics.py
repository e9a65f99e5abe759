"""Rollout metrics: each by hand on a small drive, and None where there is nothing to measure."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from loopyard.core.outcome import Outcome
from loopyard.evaluation.metrics import mean_metrics, rollout_metrics, shortest_path_m
from loopyard.evaluation.trace import Trace

GOAL = np.array([10.0, 0.0, 0.0, 1.0, 1.0])
LAYOUT = {"reach_m": np.array(0.5), "capacity": np.array(1), "goal_m": GOAL}


def outcome(**counts: int) -> Outcome:
    return Outcome(False, 0.5, 100, 10.0, "timeout", counts, 0.1)


def trace(ticks: int, layout: dict[str, np.ndarray] | None = None, **signals: Any) -> Trace:
    rows = [np.broadcast_to(np.asarray(values, float), ticks + 1) for values in signals.values()]
    return Trace(
        10,
        np.ones((ticks, 2), np.float32),
        ("steering", "throttle"),
        np.stack(rows, axis=1).astype(np.float32) if rows else np.zeros((ticks + 1, 0)),
        tuple(signals),
        layout=layout or {},
    )


def test_one_target_the_path_is_start_target_goal_less_what_the_reach_saves():
    # 4 m to the target and 5 m on to the goal's edge, less the reach once and twice.
    assert shortest_path_m(np.zeros(2), np.array([[4.0, 0.0]]), LAYOUT) == pytest.approx(7.5)


def test_within_the_capacity_the_farthest_target_decides():
    layout = {**LAYOUT, "capacity": np.array(2)}
    targets = np.array([[4.0, 0.0], [4.0, 3.0]])
    far = (5.0 - 0.5) + (np.hypot(5.0, 2.0) - 1.0)
    assert shortest_path_m(np.zeros(2), targets, layout) == pytest.approx(far)


def test_beyond_it_every_further_trip_goes_out_and_back():
    targets = np.array([[4.0, 0.0], [5.0, 0.0]])
    # First the target at 5 m or at 4 m (7.5 m either way), then out and back for the nearer one.
    assert shortest_path_m(np.zeros(2), targets, LAYOUT) == pytest.approx(7.5 + 2 * (4.0 - 1.0))


def test_a_real_path_is_never_shorter():
    rng = np.random.default_rng(0)
    for _ in range(50):
        start, targets = rng.uniform(-5, 5, 2), rng.uniform(-5, 5, (3, 2))
        layout = {**LAYOUT, "reach_m": np.array(0.0), "capacity": np.array(2)}
        door = GOAL[:2] - (1.0, 0.0)
        stops = [start, targets[0], targets[1], door, targets[2], door]
        driven = sum(float(np.linalg.norm(b - a)) for a, b in pairwise(stops))
        assert shortest_path_m(start, targets, layout) <= driven + 1e-9


def test_path_excess_counts_until_the_last_delivery():
    layout = {**LAYOUT, "targets_m": np.array([[4.0, 0.0]])}
    x = np.concatenate([np.linspace(0.0, 8.5, 51), np.linspace(8.5, 0.0, 50)])
    found = rollout_metrics(
        trace(100, layout, x_m=x, y_m=0.0, delivered=np.arange(101) >= 50), outcome()
    )
    assert found["path_excess"] == pytest.approx(8.5 / 7.5 - 1.0, abs=1e-6)
    assert found["seconds_per_target"] == 10.0


def test_nothing_delivered_leaves_nothing_to_measure():
    layout = {**LAYOUT, "targets_m": np.array([[4.0, 0.0]])}
    found = rollout_metrics(trace(10, layout, x_m=0.0, y_m=0.0, delivered=0.0), outcome())
    assert found["path_excess"] is None
    assert found["seconds_per_target"] is None
    assert found["collection_rate"] == 0.5
    assert found["completion_rate"] == 0.0


def test_recovery_is_from_the_touch_until_it_moves_freely():
    touching = np.zeros(101)
    touching[20:40] = 1
    x = np.concatenate([np.linspace(0.0, 2.0, 21), np.full(29, 2.0), np.linspace(2.0, 0.0, 51)])
    found = rollout_metrics(trace(100, x_m=x, y_m=0.0, touching_boundary=touching), outcome())
    assert found["boundary_contacts"] == 1.0
    # Free from 4.0 s on; within the second after 4.5 s it has moved 0.15 m.
    assert found["recovery_s"] == pytest.approx(2.4, abs=0.15)
    assert found["recovered_share"] == 1.0
    assert found["furniture_contacts"] is None


def test_what_never_gets_free_is_no_recovery():
    touching = np.arange(101) >= 30
    found = rollout_metrics(trace(100, x_m=0.0, y_m=0.0, touching_furniture=touching), outcome())
    assert found["recovery_s"] is None
    assert found["recovered_share"] == 0.0


@pytest.mark.parametrize(("touches", "rate"), [(False, 1.0), (True, 0.0)])
def test_avoidance_is_an_approach_without_a_touch(touches, rate):
    apart = np.concatenate([np.linspace(3.0, 1.0, 51), np.linspace(1.0, 3.0, 50)])
    signals = {
        "obstacle_m": apart,
        "obstacle_rad": 0.0,
        "speed_mps": 0.5,
        "touching_furniture": (np.arange(101) == 50) * float(touches),
    }
    layout = {"reach_m": np.array(0.5)}
    assert rollout_metrics(trace(100, layout, **signals), outcome())["avoidance_rate"] == rate


def test_nothing_approached_gives_no_rate():
    far: dict[str, Any] = {
        "obstacle_m": 9.0,
        "obstacle_rad": 0.0,
        "speed_mps": 1.0,
        "touching_furniture": 0.0,
    }
    assert rollout_metrics(trace(20, **far), outcome())["avoidance_rate"] is None


def test_violations_are_counted_apart():
    found = rollout_metrics(trace(5), outcome(violation_edge=2, violation_fall=1, brick_held=4))
    assert found["safety_violations"] == 3.0


def test_means_leave_out_what_could_not_be_measured():
    means = mean_metrics([{"a": 1.0, "b": None}, {"a": 2.0, "b": 4.0}, {}])
    assert means == {"a": {"mean": 1.5, "n": 2}, "b": {"mean": 4.0, "n": 1}}
