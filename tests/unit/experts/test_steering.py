"""Ways round solids: free of them, and the shortest."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from loopyard.experts import steering as s
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.truth import YardTruth


def truth_at(
    x_m: float, y_m: float, yaw_rad: float = 0.0, furniture: Any = (), **params: Any
) -> YardTruth:
    """A full yard without bricks, and with furniture as (x, y, yaw, half length, half width)."""
    at = yard_params("full", params)
    return YardTruth(
        x_m=x_m,
        y_m=y_m,
        yaw_rad=yaw_rad,
        lift=0.0,
        bucket=0.0,
        lift_target=0.0,
        bucket_target=0.0,
        bricks=np.zeros((0, 3)),
        held=np.zeros(0, dtype=bool),
        delivered=np.zeros(0, dtype=bool),
        furniture=np.array(furniture, dtype=float).reshape(-1, 5),
        view_half_rad=0.9,
        params=at,
        box_m=np.full(2, at.box_centre_m),
        required=np.zeros(0, dtype=bool),
        fits=np.zeros(0, dtype=bool),
        tries=np.zeros(0, dtype=int),
    )


BENCH = (0.0, 0.0, 0.0, 0.7, 0.2)


@pytest.mark.parametrize(
    ("yaw_rad", "point", "heading"),
    [(0.0, (1, 0), 0.0), (0.0, (0, 1), math.pi / 2), (math.pi / 2, (1, 0), -math.pi / 2)],
)
def test_heading_is_positive_to_the_left(yaw_rad, point, heading):
    assert s.heading_to(truth_at(0, 0, yaw_rad), np.array(point)) == pytest.approx(heading)


def test_without_solids_the_way_is_straight():
    goals = np.array([[3.0, 4.0], [-1.0, 0.0]])
    ways = s.ways_to(truth_at(0, 0), goals, with_box=False)
    np.testing.assert_array_equal(ways.waypoints, goals)
    assert ways.lengths_m == pytest.approx([5.0, 1.0])
    assert ways.direct.all()


def test_round_a_bench_it_takes_the_nearer_end():
    truth = truth_at(0.3, -2.0, furniture=[BENCH])
    ways = s.ways_to(truth, np.array([[0.3, 2.0]]), with_box=False)
    assert not ways.direct[0]
    assert ways.waypoints[0] == pytest.approx([1.3, -0.8])
    assert ways.lengths_m[0] == pytest.approx(2 * math.hypot(1.0, 1.2) + 1.6)


def test_a_goal_beside_the_bench_is_direct():
    truth = truth_at(-3.0, -1.0, furniture=[BENCH])
    ways = s.ways_to(truth, np.array([[3.0, -1.0]]), with_box=False)
    assert ways.direct[0]


def test_driving_the_way_comes_to_the_goal_without_touching():
    rng = np.random.default_rng(8)
    for _ in range(30):
        furniture = [
            (*rng.uniform(-4, 4, 2), rng.uniform(-3, 3), 0.5, 0.3),
            (*rng.uniform(-4, 4, 2), rng.uniform(-3, 3), 0.7, 0.2),
        ]
        place, goal = free_places(rng, furniture)
        lengths_m = []
        for _ in range(400):
            ways = s.ways_to(truth_at(*place, furniture=furniture), goal[None], with_box=True)
            lengths_m.append(ways.lengths_m[0])
            step = ways.waypoints[0] - place
            place = place + step * min(1.0, 0.05 / max(np.linalg.norm(step), 1e-9))
            assert off_furniture_m(place, furniture) > 0.4
        assert place == pytest.approx(goal, abs=0.01)
        assert (np.diff(lengths_m) < 1e-9).all()  # every step is progress: nothing to circle on


def free_places(rng: np.random.Generator, furniture: Any) -> tuple[np.ndarray, np.ndarray]:
    found: list[np.ndarray] = []
    while len(found) < 2:
        place = rng.uniform(-4.5, 6, 2)
        if off_furniture_m(place, furniture) > 0.75:
            found.append(place)
    return found[0], found[1]


def off_furniture_m(place: np.ndarray, furniture: Any) -> float:
    distances = []
    for x, y, yaw, *half in furniture:
        turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
        outside = np.maximum(np.abs((place - (x, y)) @ turn) - half, 0.0)
        distances.append(float(np.linalg.norm(outside)))
    return min(distances)


@pytest.mark.parametrize(
    ("brick", "here", "goal"),
    [
        ((3.0, 3.0), (0.0, 0.0), (3.0, 3.0)),  # in the open
        ((7.4, 0.0), (7.0, 3.0), (6.2, 0.0)),  # at the kerb, from the side: to the standoff
        ((7.4, 0.0), (5.0, 0.2), (7.4, 0.0)),  # at the kerb, from straight ahead
        ((0.0, 0.4), (3.0, 0.4), (0.0, 1.6)),  # at a bench, along it
    ],
)
def test_a_brick_at_a_wall_is_reached_along_its_normal(brick, here, goal):
    truth = truth_at(*here, furniture=[BENCH])
    goals, _ = s.lined_up(truth, np.array([brick]))
    assert goals[0] == pytest.approx(goal)


@pytest.mark.parametrize(
    ("place", "yaw_rad", "throttle"),
    [
        ((0.0, -0.55), math.pi / 2, -0.6),  # nose to the bench
        ((0.0, -0.55), -math.pi / 2, 0.6),  # back to it
        ((0.0, -0.55), 0.0, None),  # right beside it: turning leads off
        ((0.0, -0.70), math.pi / 2, None),  # clear of it
    ],
)
def test_it_moves_off_what_it_leans_on(place, yaw_rad, throttle):
    truth = truth_at(place[0], place[1], yaw_rad, furniture=[BENCH])
    assert s.off_walls(truth, with_kerb=False) == throttle


def test_the_kerb_counts_where_asked_for():
    truth = truth_at(7.2, 0.0)
    assert s.off_walls(truth, with_kerb=True) == -0.6
    assert s.off_walls(truth, with_kerb=False) is None


@pytest.mark.parametrize(("steering", "blocked"), [(1.0, True), (-1.0, False)])
def test_a_turn_into_the_bench_is_blocked(steering, blocked):
    truth = truth_at(-0.3, -0.55, furniture=[BENCH])  # the bench lies along its left side
    assert s.turn_is_blocked(truth, steering) is blocked


@pytest.mark.parametrize(("left_m", "shift_sign"), [(0.2, -1), (-0.2, 1), (0.5, 0)])
def test_it_passes_a_brick_on_the_nearer_side(left_m, shift_sign):
    truth = truth_at(0.0, 0.0)
    brick = np.array([[1.0, left_m, 0.065]])
    flags = np.zeros(1, dtype=bool)
    truth = YardTruth(**{**vars(truth), "bricks": brick, "held": flags, "delivered": flags})
    assert np.sign(s.past_bricks(truth, 0.0, 1.5)) == shift_sign
    assert s.past_bricks(truth, 0.0, 0.5) == 0.0  # it does not look that far
