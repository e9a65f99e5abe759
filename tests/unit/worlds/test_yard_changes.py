"""What changes while the loader works: moved bricks, a door, ghosts, and noise on the sensors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from feature_checks import check_scenes_of_their_own, check_snapshots

from loopyard.core.errors import WorldError
from loopyard.experts.yard import YardExpert

IDLE = np.zeros(4)
DOOR = {"door_opens_at_s": 1.5, "bricks_behind_door": 2}


@pytest.fixture
def yard(make_yard, blind):
    return lambda preset="mid", **params: blind(make_yard(preset, **params))


@pytest.mark.parametrize(
    "params",
    [
        {"bricks_moved_at_s": 0.5},
        {"door_opens_at_s": 0.5, "bricks_behind_door": 2},
        {"noise_position_m": 0.05, "noise_yaw_rad": 0.03},
    ],
    ids=lambda params: next(iter(params)),
)
def test_scenes_are_their_own(yard, params):
    check_scenes_of_their_own(lambda: yard(**params))


@pytest.mark.parametrize(
    ("params", "at_tick"),
    [
        ({"bricks_moved_at_s": 2.0}, 10),
        ({"bricks_moved_at_s": 2.0}, 20),
        (DOOR, 5),
        (DOOR, 18),
        (DOOR, 40),
        ({"ghost_ticks": 5}, 80),
        ({"noise_position_m": 0.05, "noise_yaw_rad": 0.03}, 10),
    ],
    ids=lambda value: value if isinstance(value, int) else next(iter(value)),
)
def test_restore_goes_on_to_the_bit(yard, params, at_tick):
    check_snapshots(yard(**params), seed=900_000, at_tick=at_tick)


def test_two_bricks_are_carried_off(yard):
    world = yard(bricks_moved_at_s=1.0, bricks=5)
    for seed in range(4):
        world.reset(seed=seed)
        for _ in range(9):
            world.step_blind(IDLE)
        before = world.truth().bricks[:, :2].copy()
        for _ in range(6):
            world.step_blind(IDLE)
        after = world.truth().bricks
        went_m = np.linalg.norm(after[:, :2] - before, axis=1)
        assert np.sort(went_m > 0.1).tolist() == [False] * 3 + [True] * 2
        assert went_m[went_m > 0.1] == pytest.approx(1.7, abs=0.25)
        assert np.abs(after[:, :2]).max() < world.params.half_m
        assert after[:, 2] == pytest.approx(0.065, abs=0.01)  # they lie on the floor


def test_a_brick_in_the_bucket_is_not_carried_off(yard):
    world, expert = yard(bricks_moved_at_s=12.0, bricks=2), YardExpert()
    world.reset(seed=900_002)
    while not world.truth().held.any() and world._body.tick < 120:
        world.step_blind(expert.act(world.truth()))
    assert world.truth().held.any()
    while world._body.tick < 120:
        world.step_blind(IDLE)
    before = world.truth()
    for _ in range(3):
        world.step_blind(IDLE)
    went_m = np.linalg.norm((world.truth().bricks - before.bricks)[:, :2], axis=1)
    assert world.truth().held.tolist() == before.held.tolist()
    assert went_m[before.held].max() < 0.05
    assert went_m[~before.held].min() > 1.0  # the other one is


def test_nobody_knows_what_lies_behind_a_shut_door(yard):
    world = yard(**DOOR)
    world.reset(seed=900_000)
    truth = world.truth()
    assert truth.known.tolist() == [True, False, False]
    annex = truth.annex
    assert annex is not None
    assert not annex.is_open
    inward = np.array([math.cos(annex.yaw_rad), math.sin(annex.yaw_rad)])
    beyond = (truth.bricks[:, :2] - annex.door_m) @ inward > 0
    assert beyond.tolist() == [False, True, True]
    assert (np.array([truth.x_m, truth.y_m]) - annex.door_m) @ inward < 0
    solids = len(truth.furniture)
    for _ in range(30):
        world.step_blind(IDLE)
    opened = world.truth()
    assert opened.known.all()
    assert opened.annex is not None
    assert opened.annex.is_open
    assert len(opened.furniture) == solids - 1


def test_the_door_stops_a_loader_until_it_opens(yard):
    for opens_s, gets_in in ((60.0, False), (0.0, True)):
        world = yard(door_opens_at_s=opens_s, bricks_behind_door=1, furniture=0)
        world.reset(seed=900_002)
        body, annex = world._body, world.truth().annex
        inward = np.array([math.cos(annex.yaw_rad), math.sin(annex.yaw_rad)])
        x, y = annex.door_m - 1.5 * inward
        half = annex.yaw_rad / 2
        pose = (x, y, 0, math.cos(half), 0, 0, math.sin(half))
        for _ in range(12):
            world.step_blind(IDLE)
        body.data.qpos[body._loader_q : body._loader_q + 7] = pose
        for _ in range(25):
            world.step_blind(np.array([0.0, 0.8, 0.0, 0.5]))
        truth = world.truth()
        deep_m = (np.array([truth.x_m, truth.y_m]) - annex.door_m) @ inward
        assert bool(deep_m > 0.2) == gets_in


def test_the_expert_fetches_what_was_behind_the_door(yard):
    world, expert = yard(door_opens_at_s=15.0, bricks_behind_door=2), YardExpert()
    world.reset(seed=900_000)
    info = {"success": False}
    for _ in range(world.max_steps):
        *_, done, late, info = world.step(expert.act(world.truth()))
        if done or late:
            break
    assert info["success"]


def test_a_room_too_small_for_a_partition_is_refused(yard):
    with pytest.raises(WorldError, match="door: found no room for a partition"):
        yard("starter", room_m=4.4, door_opens_at_s=1.0).reset(seed=1)


def test_a_fetched_brick_is_still_seen_and_counted_for_three_frames(yard):
    world, expert = yard(ghost_ticks=3), YardExpert()
    world.reset(seed=900_000)
    model = world._body.model
    ghosts = np.array([model.geom(f"ghost_{index}").id for index in range(3)])
    counted: list[float] = []
    shown: list[int] = []
    lay = at = None
    for _ in range(200):
        lay = world.truth().bricks.copy()
        obs, *_, info = world.step(expert.act(world.truth()))
        for feature in world._body.features:
            feature.perceive(obs, world._body.tick)
        if "brick_held" in info["events"] and at is None:
            at = int(np.flatnonzero(world.truth().held)[0])
            assert world._body.data.geom_xpos[ghosts[at]] == pytest.approx(lay[at], abs=1e-6)
        if at is not None:
            shown.append(int(model.geom_rgba[ghosts[at], 3]))
            counted.append(float(obs["observation.state"][-1]))
        if len(shown) == 5:
            break
    assert shown == [1, 1, 1, 0, 0]
    assert counted == pytest.approx([1.0, 1.0, 1.0, 2 / 3, 2 / 3])


def test_noise_is_as_large_as_asked_and_the_truth_is_exact(make_yard, blind):
    noisy = blind(make_yard("mid", noise_position_m=0.05, noise_yaw_rad=0.03))
    noisy.reset(seed=900_000)
    exact = noisy._state()
    off = []
    for tick in range(400):
        obs = {"observation.state": exact.copy()}
        for feature in noisy._body.features:
            feature.perceive(obs, tick)
        state = obs["observation.state"].astype(float)
        yaw = math.atan2(state[3], state[2]) - math.atan2(exact[3], exact[2])
        off.append([*(state[:2] - exact[:2]) * noisy.params.half_m, yaw])
        assert (state[4:] == exact[4:]).all()
    assert np.std(off, axis=0) == pytest.approx([0.05, 0.05, 0.03], rel=0.15)
    assert np.abs(np.mean(off, axis=0)).max() < 0.01


@pytest.mark.gl
def test_noise_on_the_picture(make_yard):
    small = {"image_width": 48, "image_height": 48}
    clean, noisy = make_yard("mid", **small), make_yard("mid", noise_image=0.02, **small)
    key, scenes = "observation.images.ego", []
    for world in (clean, noisy):
        world.reset(seed=900_000)
        world._body.data.qpos[:2] = 0.0
        scenes.append(world.observe())
    again = noisy.observe()
    assert (again[key] == scenes[1][key]).all()  # a function of scene and tick
    moved, *_ = noisy.step(IDLE)
    assert (moved[key] != again[key]).any()
    dark = scenes[1][key][:4].astype(float)  # no sky: black, clipped from below
    assert 0 < dark.std() < 8
