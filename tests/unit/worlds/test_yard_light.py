"""Hard light, bricks like the floor, and a floor that is slippery or mirrors."""

from __future__ import annotations

import numpy as np
import pytest
from feature_checks import check_scenes_of_their_own, check_snapshots

from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.features import light as li

SMALL = {"image_width": 64, "image_height": 64}
KEY = "observation.images.ego"


@pytest.mark.parametrize(
    "params", [{"light": "harsh"}, {"light": "dim"}, {"light": "flat", "brick_colours": "floor"}]
)
def test_scenes_are_their_own(make_yard, blind, params):
    check_scenes_of_their_own(lambda: blind(make_yard("mid", **params)))


def level(world) -> float:
    """Of the sun, against a yard of normal light."""
    model = world._body.model
    return float(model.light_diffuse[model.light("sun").id][0]) / 0.62


def test_dim_light_is_between_a_tenth_and_three_tenths(make_yard, blind):
    world, levels = blind(make_yard("mid", light="dim")), []
    for seed in range(20):
        world.reset(seed=seed)
        levels.append(level(world))
    assert 0.1 <= min(levels) < 0.15 < 0.25 < max(levels) <= 0.3


def test_harsh_light_stands_between_30_and_60_degrees_all_round(make_yard, blind):
    world, towards = blind(make_yard("mid", light="harsh")), []
    for seed in range(30):
        world.reset(seed=seed)
        towards.append(-world._body.model.light_dir[0])
    elevations = np.degrees(np.arcsin(np.array(towards)[:, 2]))
    assert 30.0 <= elevations.min() < 37.0
    assert 53.0 < elevations.max() <= 60.0
    azimuths = np.arctan2(*np.array(towards)[:, 1::-1].T)
    assert np.histogram(azimuths, bins=4, range=(-np.pi, np.pi))[0].min() > 0


@pytest.mark.gl
def test_the_learners_picture_shows_it(make_yard):
    seen = {}
    for name in ("normal", "flat", "harsh", "dim"):
        world = make_yard("mid", light=name, **SMALL)
        world.reset(seed=900_000)
        body = world._body
        body.data.qpos[body._loader_q : body._loader_q + 2] = 0.0  # alike but for the light
        world._body.model.opt.gravity[:] = 0.0
        obs, *_ = world.step(np.zeros(4))
        floor = obs[KEY][30:40, 20:44].astype(float)
        seen[name] = floor.mean(), obs[KEY]
        world.close()
    assert seen["dim"][0] < 0.35 * seen["normal"][0]
    # Shadows are drawn in harsh light alone: some of the floor is nearly black there.
    dark = {name: (picture.max(axis=2) < 45)[24:].mean() for name, (_, picture) in seen.items()}
    assert dark["harsh"] > dark["normal"] + 0.02


@pytest.mark.gl
def test_bricks_like_the_floor_are_hard_to_tell_from_it(make_yard):
    def contrast(**params) -> float:
        world = make_yard("mid", bricks=1, furniture=0, **params, **SMALL)
        world.reset(seed=900_001)
        body = world._body
        pose = body.data.qpos[body._loader_q : body._loader_q + 7]
        pose[:] = (0, 0, 0, 1, 0, 0, 0)
        brick = body.data.qpos[body._brick_q[0] : body._brick_q[0] + 7]
        brick[:3] = (1.6, 0.0, 0.066)
        obs, *_ = world.step(np.zeros(4))
        patch = obs[KEY][20:32, 26:38].reshape(-1, 3).astype(float)
        world.close()
        return float(np.ptp(patch, axis=0).max())

    assert contrast(brick_colours="floor", light="flat") < 0.4 * contrast()


def test_light_fades_over_ten_seconds_from_half_of_the_work(make_yard, blind):
    world, expert = blind(make_yard("mid", light="fading")), YardExpert()
    world.reset(seed=900_000)
    levels, begun = [], None
    for tick in range(world.max_steps):
        assert level(world) == pytest.approx(1.0) or begun is not None
        done = any(world.step(expert.act(world.truth()))[2:4])
        truth = world.truth()
        if begun is None and (truth.held | truth.delivered).mean() >= 0.5:
            begun = tick
        levels.append(level(world))
        if done:
            break
    assert begun is not None
    after = np.array(levels[begun:])
    assert (np.diff(after) <= 1e-9).all()
    assert after[50] == pytest.approx((1.0 + after[100]) / 2, abs=0.01)
    assert after[100:] == pytest.approx(after[100])
    assert li.DIM[0] <= after[100] <= li.DIM[1]


@pytest.mark.parametrize("at_tick", [20, 120])
def test_fading_light_survives_a_snapshot(make_yard, blind, at_tick):
    world = blind(make_yard("mid", light="fading"))
    check_snapshots(world, seed=900_000, at_tick=at_tick, ticks=10)
    if at_tick == 120:
        assert level(world) < 1.0  # it was fading


def stopping_m(world) -> float:
    """How far the loader goes on after a full stop from full speed."""
    world.reset(seed=900_000)
    body = world._body
    body.data.qpos[body._loader_q : body._loader_q + 7] = (-2.5, 0, 0, 1, 0, 0, 0)
    for _ in range(20):
        world.step_blind(np.array([0.0, 1.0, 0.0, 0.0]))
    begin = world.truth().x_m
    for _ in range(15):
        world.step_blind(np.zeros(4))
    return world.truth().x_m - begin


def test_wheels_slip_on_a_slippery_floor(make_yard):
    bare = {"bricks": 1, "furniture": 0}
    plain = stopping_m(make_yard("mid", **bare))
    slippery = stopping_m(make_yard("mid", floor_friction=0.1, **bare))
    assert slippery > plain + 0.15


@pytest.mark.gl
def test_a_reflective_floor_mirrors_in_the_learners_picture_too(make_yard):
    pictures = []
    for reflective in (False, True):
        world = make_yard("mid", reflective=reflective, floor_friction=0.2, **SMALL)
        obs, _ = world.reset(seed=900_000)
        pictures.append(obs[KEY].astype(int))
        assert world.camera_image("follow", 64, 48).std() > 5
        world.close()
    changed = np.abs(pictures[0] - pictures[1]).max(axis=2) > 8
    assert 0.005 < changed.mean() < 0.6
