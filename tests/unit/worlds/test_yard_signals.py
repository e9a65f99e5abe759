"""The yard's signals say what its truth says, whatever stands where."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loopyard.core.scenario import Scenario
from loopyard.worlds.yard.body import YardBody
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.scene import draw_scene
from loopyard.worlds.yard.signals import REACH_M, yard_layout
from loopyard.worlds.yard.world import YardWorld

PARAMS = YardParams(bricks=3, furniture=2, room_m=9.0)


@pytest.fixture
def body() -> YardBody:
    body = YardBody(PARAMS)
    key = Scenario(world="yard").digest, 7
    body.place(draw_scene(PARAMS, *key, body.features), key)
    return body


def test_signals_are_those_of_the_truth(body):
    for steering in (0.3, -0.8, 0.0):
        for _ in range(8):
            body.advance(np.array([steering, 0.9, 0.5, 0.3]))
        found, truth = body.signals(body.truth()), body.truth()
        assert (found["x_m"], found["y_m"]) == (truth.x_m, truth.y_m)
        assert (found["lift"], found["bucket"]) == (truth.lift, truth.bucket)
        local = truth.local(truth.bricks)
        nearest = np.linalg.norm(local, axis=1).argmin()
        assert found["nearest_m"] == pytest.approx(np.linalg.norm(local[nearest]))
        assert found["nearest_rad"] == pytest.approx(math.atan2(*local[nearest][::-1]))
        assert found["load"] == truth.load
        assert all(math.isfinite(float(value)) for value in found.values())


def test_the_nearest_edge_of_furniture_is_found(body):
    truth = body.truth()
    sides = []
    for x, y, yaw, half_x, half_y in truth.furniture:
        along, across = np.meshgrid(np.linspace(-half_x, half_x, 201), np.linspace(-half_y, half_y))
        px = x + along * math.cos(yaw) - across * math.sin(yaw)
        py = y + along * math.sin(yaw) + across * math.cos(yaw)
        sides.append(np.hypot(px - truth.x_m, py - truth.y_m).min())
    assert body.signals(body.truth())["obstacle_m"] == pytest.approx(min(sides), abs=0.01)


@pytest.mark.parametrize("throttle", [0.6, -0.6])
def test_speed_is_forward_and_turning_is_left(body, throttle):
    action = np.array([0.3, throttle, 0.0, 0.0])
    for _ in range(4):
        body.advance(action)
    before = body.truth()
    body.advance(action)
    found, after = body.signals(body.truth()), body.truth()
    moved = after.local(np.array([before.x_m, before.y_m]))
    assert found["speed_mps"] == pytest.approx(-10.0 * moved[0], abs=0.15)
    assert found["turn_radps"] == pytest.approx(10.0 * (after.yaw_rad - before.yaw_rad), abs=0.3)


def test_no_furniture_is_nowhere():
    params = YardParams()
    body = YardBody(params)
    key = Scenario(world="yard").digest, 7
    body.place(draw_scene(params, *key, body.features), key)
    assert body.signals(body.truth())["obstacle_m"] == math.inf


def test_the_layout_is_what_stands_there(body):
    layout, truth = yard_layout(body.truth()), body.truth()
    np.testing.assert_array_equal(layout["targets_m"], truth.bricks[:, :2])
    assert layout["solids_m"].shape == (2, 5)
    assert layout["goal_m"][:2].tolist() == truth.box_m.tolist()
    assert float(layout["reach_m"]) == REACH_M == pytest.approx(0.66, abs=0.01)
    assert layout["bounds_m"].tolist() == [-4.35, -4.35, 4.35, 4.35]


@pytest.mark.gl
def test_signals_are_of_the_moment_whatever_was_seen_last():
    world = YardWorld()
    world.reset(seed=3)
    forward = np.array([0.0, -0.8, 0.0, 0.0], np.float32)
    for move in (world.step, world.step_blind, world.step):
        move(forward)
        assert world.signals()["x_m"] == world.truth().x_m
    before = world.snapshot()
    world.step(forward)
    world.restore(before)
    assert world.signals()["x_m"] == world.truth().x_m
    world.close()
