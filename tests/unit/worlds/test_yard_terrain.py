"""Floors that are not level: what stands on them, what drives over them, what counts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.scene import Scene

STOP, AHEAD = np.zeros(4), np.array([0.0, 1.0, 0.0, 0.0])
BRICK = np.array([0.11, 0.075])


@pytest.fixture
def make_ground(make_yard, blind):
    def make(**params):
        world = blind(make_yard("mid", **{"furniture": 0, **params}))
        world.reset(seed=7)
        return world

    return make


def profile_of(world):
    return world._body.features[0].profile


def put(world, place_m: float, *, yaw_rad: float, brick_m: float | None = None) -> Scene:
    """The scene anew, the loader at a place along the profile's axis and turned from it; the first
    brick beside it."""
    axis = profile_of(world).axis
    pose, brick = np.zeros(3), np.array([1.5, 1.5, 0.3])
    pose[axis], pose[2] = place_m, yaw_rad + axis * math.pi / 2
    brick[axis] = place_m if brick_m is None else brick_m
    body = world._body
    scene = body.scene
    bricks = np.concatenate([brick[None], scene.bricks[1:]])
    body.place(replace(scene, loader=pose, bricks=bricks), (world._scenario.digest, 7))
    return body.scene


def pitch_deg(world) -> float:
    """Nose up positive."""
    body = world._body
    qw, qx, qy, qz = body.data.qpos[body._loader_q + 3 : body._loader_q + 7]
    return math.degrees(math.asin(2 * (qx * qz - qw * qy)))


def drive(world, action, ticks: int) -> Counter[str]:
    events = Counter()
    for _ in range(ticks):
        events.update(world.step(action)[-1]["events"])
    return events


@pytest.mark.parametrize("seed", range(4))
def test_a_slope_begins_and_ends_at_the_floor(make_ground, seed):
    world = make_ground(terrain="slope", slope_deg=5.0)
    world.reset(seed=seed)
    knots = profile_of(world).knots
    assert knots[[0, 2], 1].tolist() == [0.0, 0.0]
    rise = (knots[1, 1] - knots[0, 1]) / (knots[1, 0] - knots[0, 0])
    assert math.degrees(math.atan(rise)) == pytest.approx(5.0)
    assert 0.02 < knots[1, 1] <= 0.1
    box_edge_m = world.params.box_centre_m + world.params.box_side_m / 2
    assert knots[0, 0] > box_edge_m + 1.0
    assert knots[2, 0] < world.params.half_m


@pytest.mark.parametrize(("terrain", "slope_deg"), [("slope", 5.0), ("ramp", 15.0)])
def test_loader_and_brick_stand_tilted(make_ground, terrain, slope_deg):
    world = make_ground(terrain=terrain, slope_deg=slope_deg)
    world._body.features[0].draw_profile = lambda rng: wide(world)
    world.reset(seed=7)
    middle_m = profile_of(world).knots[:2, 0].mean() + 0.15
    put(world, middle_m, yaw_rad=0.0)
    assert pitch_deg(world) == pytest.approx(slope_deg, abs=0.2)
    before, place = world.truth().bricks[0], (world.truth().x_m, world.truth().y_m)
    drive(world, STOP, 10)
    assert pitch_deg(world) == pytest.approx(slope_deg, abs=0.5)
    assert np.abs(world.truth().bricks[0] - before).max() < 0.003
    # Its motors hold a speed, not a place: it creeps, and does not slide.
    assert math.dist((world.truth().x_m, world.truth().y_m), place) < 0.02 * slope_deg


def wide(world):
    """A profile as the terrain draws it, with stretches on which the whole loader stands."""
    from loopyard.worlds.yard.features.profile import Profile

    rise = math.tan(math.radians(world.params.slope_deg))
    last = 0.0 if world.params.terrain == "slope" else rise
    return Profile(0, np.array([(0.0, 0.0), (1.0, rise), (2.0, last)]))


def test_a_slippery_brick_would_slide(make_ground):
    world = make_ground(terrain="ramp", slope_deg=15.0)
    body = world._body
    middle_m = profile_of(world).knots[:2, 0].mean()
    put(world, -2.0, yaw_rad=0.0, brick_m=middle_m)
    ground = (body.model.geom_contype == m.FLOOR) | (body.model.geom_contype == m.BRICK)
    body.model.geom_friction[ground, 0] = 0.05
    before = world.truth().bricks[0]
    drive(world, STOP, 15)
    assert before[2] - world.truth().bricks[0][2] > 0.05


@pytest.mark.parametrize("slope_deg", [2.0, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_ridge_is_crossed_forward_and_backward(make_ground, slope_deg, seed):
    world = make_ground(terrain="slope", slope_deg=slope_deg)
    world.reset(seed=seed)
    axis, knots = profile_of(world).axis, profile_of(world).knots
    put(world, knots[0, 0] - 0.8, yaw_rad=0.0, brick_m=-2.0)
    ticks = int((knots[2, 0] - knots[0, 0] + 1.2) / 0.15) + 3
    drive(world, 0.8 * AHEAD, ticks)
    there = (world.truth().x_m, world.truth().y_m)[axis]
    assert there > knots[1, 0]
    drive(world, -0.8 * AHEAD, ticks)
    assert (world.truth().x_m, world.truth().y_m)[axis] < knots[0, 0]


def test_up_on_the_platform_stand_the_loader_and_most_bricks(make_ground):
    world = make_ground(terrain="ramp", slope_deg=10.0, furniture=1)
    for seed in range(12):
        world.reset(seed=seed)
        truth, profile = world.truth(), profile_of(world)
        top = profile.knots[-1, 1]
        assert 0.1 < top <= 0.2
        assert (truth.floor_m == top).sum() == 2
        assert (truth.floor_m == 0.0).sum() == 1
        here = np.array([[truth.x_m, truth.y_m]])
        assert profile.height_m(here)[0] == top
        assert profile.height_m(truth.furniture)[0] == 0.0
        assert np.linalg.norm(truth.bricks[:, :2] - here, axis=1).min() > 0.8


def test_the_bucket_takes_a_brick_on_the_platform(make_ground):
    world = make_ground(terrain="ramp", slope_deg=15.0)
    crest_m = profile_of(world).knots[1, 0]
    scene = put(world, crest_m + 0.5, yaw_rad=0.0, brick_m=crest_m + 1.03)
    bricks = scene.bricks.copy()
    bricks[1:, :2] = [(-1.0, -1.0), (-2.0, 2.0)]
    bricks[0, 1 - profile_of(world).axis] = 0.0
    world._body.place(replace(scene, bricks=bricks), (world._scenario.digest, 7))
    assert world.truth().bricks[0, 2] > 0.25
    assert world.truth().in_mouth().tolist() == [True, False, False]
    assert drive(world, np.array([0.0, 0.2, 1.0, 0.0]), 8)["brick_held"] == 1


@pytest.mark.parametrize(("throttle", "violations"), [(1.0, 1), (0.4, 0)])
def test_fast_down_the_ramp_is_a_violation(make_ground, throttle, violations):
    world = make_ground(terrain="ramp", slope_deg=8.0)
    knots = profile_of(world).knots
    put(world, knots[1, 0] + 0.5, yaw_rad=math.pi, brick_m=-2.0)
    ticks = int((knots[1, 0] - knots[0, 0] + 1.0) / (0.15 * throttle)) + 5
    events = drive(world, throttle * AHEAD, ticks)
    truth = world.truth()
    assert (truth.x_m, truth.y_m)[profile_of(world).axis] < knots[0, 0]
    assert events["violation_fast_descent"] == violations
    assert events["violation_ramp_drop"] == 0


def test_a_loader_climbs_the_steepest_ramp_and_that_is_no_descent(make_ground):
    world = make_ground(terrain="ramp", slope_deg=15.0)
    knots = profile_of(world).knots
    put(world, knots[0, 0] - 0.5, yaw_rad=0.0, brick_m=-2.0)
    events = drive(world, 0.6 * AHEAD, 25)
    truth = world.truth()
    assert (truth.x_m, truth.y_m)[profile_of(world).axis] > knots[1, 0]
    assert not any(name.startswith("violation") for name in events)


def test_a_brick_let_go_on_the_ramp_counts(make_ground):
    world = make_ground(terrain="ramp", slope_deg=5.0)
    middle_m = profile_of(world).knots[:2, 0].mean()
    put(world, middle_m, yaw_rad=math.pi, brick_m=-2.0)
    body = world._body
    body.slots[0], body.levers[:] = 0, (1.0, 1.0)
    body._apply_holds()
    events = drive(world, STOP, 12) + drive(world, np.array([0.0, 0.0, -1.0, 0.0]), 10)
    assert events["brick_dropped"] == 1
    assert events["violation_ramp_drop"] == 1


@pytest.mark.parametrize(
    ("from_crest_m", "yaw_rad", "downhill"),
    [
        (-0.2, 0.0, True),
        (-0.2, math.pi, True),
        (0.4, math.pi, True),
        (0.4, 0.0, False),
        (1.0, math.pi, False),
    ],
)
def test_the_truth_tells_a_descent_and_that_one_is_near(
    make_ground, from_crest_m, yaw_rad, downhill
):
    world = make_ground(terrain="ramp", slope_deg=8.0)
    put(world, profile_of(world).knots[1, 0] + from_crest_m, yaw_rad=yaw_rad, brick_m=-2.0)
    assert world.truth().downhill is downhill


def touched_by_bucket(world) -> int:
    """In how many of 60 ticks of a jerky drive across the room the bucket touches ground."""
    model, data, ticks = world._body.model, world._body.data, 0
    bucket = {model.geom(name).id for name in ("back_plate", "cheek_left", "cheek_right")}
    for tick in range(60):
        world.step((-0.7 if tick % 15 > 11 else 0.7) * AHEAD)
        pairs = data.contact.geom
        ground = (model.geom_contype[pairs] == m.FLOOR).any(axis=1)
        ticks += bool(bucket & set(pairs[ground].ravel().tolist()))
    return ticks


def test_on_uneven_ground_the_bucket_touches_it(make_ground):
    touched = {}
    for terrain in ("uneven", "flat"):
        world = make_ground(terrain=terrain, bricks=1)
        body = world._body
        pose = np.array([-2.5, 0.0, 0.0])
        far = np.array([[3.0, 3.0, 0.0]])
        body.place(replace(body.scene, loader=pose, bricks=far), (world._scenario.digest, 7))
        touched[terrain] = touched_by_bucket(world)
    assert touched["uneven"] >= 3
    assert touched["flat"] == 0


def test_bumps_are_as_high_as_they_should_be_and_lie_under_nothing(make_ground):
    world = make_ground(terrain="uneven")
    for seed in range(5):
        world.reset(seed=seed)
        truth, model = world.truth(), world._body.model
        bumps = [i for i in range(model.nbody) if model.body(i).name.startswith("bump_")]
        tall = model.body_pos[bumps, 2] + 0.6
        assert len(bumps) > 30
        assert ((tall >= 0.005) & (tall <= 0.018)).all()
        apart = np.linalg.norm(
            truth.bricks[:, None, :2] - model.body_pos[bumps][None, :, :2], axis=2
        )
        assert apart.min() > 0.3


def test_neither_loader_nor_bricks_move_when_a_drive_begins(make_ground):
    for params in ({"terrain": "slope"}, {"terrain": "ramp"}, {"terrain": "uneven"}):
        world = make_ground(**params)
        for seed in range(6):
            world.reset(seed=seed)
            before = world.truth()
            drive(world, STOP, 10)
            after = world.truth()
            assert np.abs(after.bricks - before.bricks).max() < 0.015  # one across a crest settles
            assert math.dist((after.x_m, after.y_m), (before.x_m, before.y_m)) < 0.02
