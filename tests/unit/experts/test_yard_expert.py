"""The yard's expert: Markov, and gone its way whatever stands in it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from loopyard.core.seeds import SEED_RANGES, stream
from loopyard.experts.expert import Expert
from loopyard.experts.noise import DartNoise, NoiseSettings, no_noise
from loopyard.experts.yard import PHASES, YardExpert
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth
from loopyard.worlds.yard.world import YardWorld


@pytest.fixture
def make_yard() -> Iterator[Callable[..., YardWorld]]:
    """Makes yards that draw no cameras: the expert needs none."""
    made: list[YardWorld] = []

    def make(preset: str = "starter", **params: Any) -> YardWorld:
        world = YardWorld(preset, **params)
        world._observation = lambda: {}  # type: ignore[method-assign]
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


def copy_of(truth: YardTruth) -> YardTruth:
    """An equal truth that shares no array with it."""
    return copy.deepcopy(truth)


def test_it_keeps_the_protocol():
    assert isinstance(YardExpert(), Expert)


def test_equal_truths_give_equal_actions_in_any_order(make_yard):
    world = make_yard(bricks=3, furniture=1, room_m=8.0, bucket_capacity=2, time_limit_s=40.0)
    world.reset(seed=5)
    driver, truths, actions, phases = YardExpert(), [], [], []
    for _ in range(world.max_steps):
        truths.append(world.truth())
        actions.append(driver.act(truths[-1]))
        phases.append(driver.phase(truths[-1]))
        if any(world.step(actions[-1])[2:4]):
            break
    again = YardExpert()
    for index in np.random.default_rng(0).permutation(len(truths)):
        truth = copy_of(truths[index])
        assert again.act(truth).tobytes() == actions[index].tobytes()
        assert again.phase(truth) == phases[index]
    assert set(phases) <= set(PHASES)
    assert set(PHASES) - set(phases) <= {"lower", "wait"}  # nobody walks about here


def test_actions_are_float32_in_the_action_space(make_yard):
    world = make_yard()
    world.reset(seed=5)
    for _ in range(60):
        action = YardExpert().act(world.truth())
        assert world.action_space.contains(action)
        world.step(action)


def test_it_does_not_change_the_truth(make_yard):
    world = make_yard(furniture=1, room_m=8.0)
    world.reset(seed=5)
    truth = world.truth()
    before = copy_of(truth)
    YardExpert().act(truth)
    for field in fields(truth):
        np.testing.assert_array_equal(getattr(truth, field.name), getattr(before, field.name))


@pytest.mark.parametrize("yaw_rad", np.linspace(-3.0, 3.0, 7))
def test_where_no_brick_is_in_view_it_turns_left(make_yard, yaw_rad):
    world = make_yard(bricks=2)
    world.reset(seed=5)
    truth = replace(world.truth(), x_m=0.0, y_m=0.0, yaw_rad=float(yaw_rad))
    behind = yaw_rad + np.array([math.pi - 0.6, math.pi + 0.6])
    bricks = np.stack([2 * np.cos(behind), 2 * np.sin(behind), [0.065, 0.065]], axis=1)
    truth = replace(truth, bricks=bricks)
    assert YardExpert().phase(truth) == "scan"
    assert YardExpert().act(truth)[:2].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("side", [-1, 1])
def test_it_turns_to_a_brick_it_sees(make_yard, side):
    world = make_yard()
    world.reset(seed=5)
    bearing = side * 0.5
    brick = np.array([[2 * math.cos(bearing), 2 * math.sin(bearing), 0.065]])
    truth = replace(world.truth(), x_m=0.0, y_m=0.0, yaw_rad=0.0, bricks=brick)
    assert YardExpert().phase(truth) == "approach"
    assert np.sign(YardExpert().act(truth)[0]) == side


def test_a_brick_out_of_reach_is_left(make_yard):
    world = make_yard()
    world.reset(seed=5)
    over_the_kerb = np.array([[world.params.half_m + 0.3, 0.0, 0.065]])
    truth = replace(world.truth(), x_m=0.0, y_m=0.0, yaw_rad=0.0, bricks=over_the_kerb)
    assert YardExpert().phase(truth) == "scan"


def success_rate(world: YardWorld, seeds: range, noise: NoiseSettings | None) -> float:
    expert, progress = YardExpert(), []
    for seed in seeds:
        world.reset(seed=seed)
        driven = no_noise
        if noise is not None:
            driven = DartNoise(noise, size=4, fps=world.params.fps, rng=stream("test", seed))
        for _ in range(world.max_steps):
            if any(world.step(driven(expert.act(world.truth())))[2:4]):
                break
        progress.append(world.truth().delivered.mean())
    return float(np.mean(progress))


def test_it_clears_unseen_starter_scenes(make_yard):
    seeds = SEED_RANGES["select"][:40]
    assert success_rate(make_yard(), seeds, None) == 1.0


def test_it_recovers_from_noise(make_yard):
    seeds = SEED_RANGES["select"][:30]
    assert success_rate(make_yard(), seeds, NoiseSettings()) >= 0.93


@pytest.mark.slow
def test_it_clears_unseen_full_scenes(make_yard):
    seeds = SEED_RANGES["select"][:10]
    assert success_rate(make_yard("full"), seeds, None) >= 0.95


@pytest.mark.parametrize(
    "params",
    [
        {"bricks": 4, "room_m": 8.0, "bucket_capacity": 3, "furniture": 2, "time_limit_s": 90.0},
        {"bricks": 2, "fps": 30, "substeps": 6, "bucket_capacity": 1, "time_limit_s": 60.0},
        {"max_speed_mps": 2.0, "max_turn_radps": 2.5, "box_side_m": 1.4},
    ],
)
def test_it_drives_yards_between_the_presets(make_yard, params):
    assert success_rate(make_yard(**params), SEED_RANGES["select"][:6], None) >= 0.95


@pytest.mark.parametrize("seed", [900_009, 900_011, 900_012, 900_041])
@pytest.mark.slow
def test_scenes_that_once_hung_do_not(make_yard, seed):
    """Circling between two waypoints, a turn blocked by furniture, a brick pushed to the box."""
    assert success_rate(make_yard("full"), range(seed, seed + 1), None) == 1.0


def test_the_reach_of_the_bucket_is_that_of_the_model(make_yard):
    world = make_yard()
    world.reset(seed=5)
    for _ in range(15):
        world.step(np.array([0.0, 0.0, 0.0, 1.0]))
    truth, body = world.truth(), world._body
    hinge = body.data.xpos[body.model.body("bucket").id]
    forward, left = truth.local(hinge)
    assert forward == pytest.approx(g.bucket_reach_m(truth.lift), abs=0.01)
    assert left == pytest.approx(0.0, abs=0.01)
