"""The patrol: round the whole room, past furniture, and back into its round from anywhere."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.experts.test_sight import truth_at

from loopyard.experts.patrol import patrol_waypoint
from loopyard.experts.yard import YardExpert

TICK_S = 0.1
AT_CORNER = (4.4, 4.6, 0.3, 0.5, 0.3)
AFTER_CORNER = (-5.85, 4.43, -1.96, 0.5, 0.3)
"""Places at which a patrol along a square once hung."""


def driven(truth, ticks):
    """(ticks, 3) poses of a loader that does at once what the expert asks for."""
    poses = []
    for _ in range(ticks):
        steering, throttle = YardExpert().act(truth)[:2]
        yaw = truth.yaw_rad + float(steering) * truth.params.max_turn_radps * TICK_S
        speed = float(throttle) * truth.params.max_speed_mps * TICK_S
        x, y = truth.x_m + speed * math.cos(yaw), truth.y_m + speed * math.sin(yaw)
        truth = replace(truth, x_m=x, y_m=y, yaw_rad=math.atan2(math.sin(yaw), math.cos(yaw)))
        poses.append((x, y, truth.yaw_rad))
    return np.array(poses)


@pytest.mark.parametrize(
    ("start", "furniture"),
    [
        ((0.0, 0.0, 0.0), ()),
        ((6.5, -6.5, 2.0), (AT_CORNER,)),
        ((-4.5, -4.5, -2.4), (AFTER_CORNER,)),
        ((0.0, 3.0, 1.0), (AFTER_CORNER, AT_CORNER)),
    ],
)
def test_it_goes_round_the_room_from_anywhere(start, furniture):
    poses = driven(truth_at(*start, furniture=furniture), 400)
    angle = np.unwrap(np.arctan2(poses[:, 1], poses[:, 0]))
    assert angle[-1] - angle[80] > 2 * math.pi  # a lap within 32 s, counter-clockwise
    assert np.abs(poses[80:, :2]).max() < 6.6  # off the kerb


def test_a_lap_shows_every_place_of_the_room():
    poses = driven(truth_at(4.5, 0.0, math.pi / 2), 460)[230::3]
    x, y = np.meshgrid(*[np.linspace(-7.0, 7.0, 29)] * 2)
    places = np.column_stack([x.ravel(), y.ravel()])
    seen = np.zeros(len(places), dtype=bool)
    for pose in poses:
        offset = places - pose[:2]
        bearing = np.arctan2(offset[:, 1], offset[:, 0]) - pose[2]
        ahead = np.abs((bearing + math.pi) % (2 * math.pi) - math.pi) < math.radians(42)
        seen |= ahead & (np.linalg.norm(offset, axis=1) < 7.07)
    assert seen.mean() > 0.99


def test_turned_away_from_its_way_it_turns_left():
    for away_rad in (-0.7, 0.7, 3.0):  # from some of these the right would be the shorter way
        truth = truth_at(4.5, 0.0, way_from(4.5, 0.0) + away_rad)
        assert YardExpert().act(truth)[:2].tolist() == [1.0, 0.0]


def test_with_its_way_ahead_it_drives():
    steering, throttle = YardExpert().act(truth_at(4.5, 0.0, way_from(4.5, 0.0)))[:2]
    assert steering == pytest.approx(0.0, abs=1e-6)
    assert throttle == pytest.approx(1.0)


def way_from(x_m, y_m):
    """Radians: the heading of the patrol at a place of an empty room."""
    ahead = patrol_waypoint(truth_at(x_m, y_m, 0.0)) - (x_m, y_m)
    return math.atan2(ahead[1], ahead[0])


def test_furniture_on_the_way_is_passed():
    goal = patrol_waypoint(truth_at(4.5, 0.0, 0.0))
    x_m, y_m = np.add(goal, (4.5, 0.0)) / 2
    bench = (x_m, y_m, way_from(4.5, 0.0) + math.pi / 2, 0.7, 0.2)
    round_it = patrol_waypoint(truth_at(4.5, 0.0, 0.0, furniture=[bench]))
    assert np.linalg.norm(round_it - goal) > 1.0
