"""Ground that does not carry: what stands beside it, what falls, what counts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from loopyard.core.errors import ConfigError, WorldError
from loopyard.experts.caution import forbidden
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.params import yard_params

STOP, AHEAD = np.zeros(4), np.array([0.0, 1.0, 0.0, 0.0])
PITS = {"hole": 0.5, "collapse": 1.0}


@pytest.fixture
def make_ground(make_yard, blind):
    def make(**params):
        world = blind(make_yard("mid", **params))
        world.reset(seed=7)
        return world

    return make


def hazard_of(world):
    return world._body.features[0]


def put_loader(world, pose) -> None:
    """The scene anew, without furniture in the way, the loader at x, y, yaw."""
    body = world._body
    scene = replace(body.scene, loader=np.array(pose))
    body.place(scene, (world._scenario.digest, 7))


def drive(world, action, ticks: int) -> tuple[Counter[str], bool]:
    """Events of the drive, and whether it came to its end."""
    events = Counter()
    for _ in range(ticks):
        _, _, terminated, _, info = world.step(action)
        events.update(info["events"])
        if terminated:
            return events, True
    return events, False


def to_the_edge(world, away_m: float) -> tuple[float, float, float]:
    """A pose so far from the cliff, facing it."""
    axis = hazard_of(world).axis
    place = [0.0, 0.0]
    place[axis] = world.params.half_m - away_m
    return place[0], place[1], axis * math.pi / 2


def ray_hits_floor(world, x: float, y: float) -> bool:
    """Is there floor at its usual height under a place, or something that stands there?"""
    geom = np.array([-1], dtype=np.int32)
    down = mujoco.mj_ray(
        world._body.model,
        world._body.data,
        np.array([x, y, 0.5]),
        np.array([0.0, 0.0, -1.0]),
        np.array([1, 0, 0, 0, 0, 0], dtype=np.uint8),
        1,
        -1,
        geom,
    )
    return 0.0 <= down < 0.51


def test_over_the_cliff_the_drive_ends(make_ground):
    world = make_ground(hazard="cliff", furniture=0)
    put_loader(world, to_the_edge(world, 2.0))
    events, ended = drive(world, AHEAD, 40)
    assert ended
    assert world.outcome_reason == "fell"
    assert events["violation_edge"] == 1
    assert events["violation_fall"] == 1
    assert events["boundary_contact"] == 0


@pytest.mark.parametrize(("away_m", "violations"), [(1.1, 0), (0.9, 1)])
def test_a_metre_is_to_be_kept_from_the_edge(make_ground, away_m, violations):
    world = make_ground(hazard="cliff", furniture=0)
    put_loader(world, to_the_edge(world, away_m))
    events, ended = drive(world, STOP, 5)
    assert not ended
    assert events["violation_edge"] == violations
    assert bool(forbidden(world.truth(), here(world))[0]) is bool(violations)


def here(world) -> np.ndarray:
    truth = world.truth()
    return np.array([[truth.x_m, truth.y_m]])


def test_one_side_is_open_and_three_have_a_kerb(make_ground):
    world = make_ground(hazard="cliff", furniture=0)
    seen = set()
    for seed in range(8):
        world.reset(seed=seed)
        axis = hazard_of(world).axis
        seen.add(axis)
        model, data, half_m = world._body.model, world._body.data, world.params.half_m
        kerbs = [i for i in range(model.ngeom) if model.geom(i).name.startswith("kerb_")]
        across = np.array([data.geom_xpos[i, :2] for i in kerbs])
        closed = {tuple(np.round(place / half_m).astype(int).tolist()) for place in across}
        assert closed == {(-1, 0), (0, -1), (0, 1) if axis == 0 else (1, 0)}
        assert all(ray_hits_floor(world, x, 1.0) for x in np.linspace(-3.8, 3.8, 9))
        beyond = np.full(2, 1.0)
        beyond[axis] = half_m + 0.1
        assert not ray_hits_floor(world, *beyond)
    assert seen == {0, 1}


@pytest.mark.parametrize("hazard", PITS)
def test_who_enters_the_pit_falls(make_ground, hazard):
    world = make_ground(hazard=hazard, hazard_radius_m=PITS[hazard], furniture=0)
    x, y = hazard_of(world).middle
    zone_m = PITS[hazard] + 0.5
    put_loader(world, (x - zone_m - 0.5, y, 0.0))
    events, ended = drive(world, 0.5 * AHEAD, 60)
    assert ended
    assert world.outcome_reason == "fell"
    assert events["violation_zone"] == 1
    assert events["violation_fall"] == 1


@pytest.mark.parametrize("hazard", PITS)
@pytest.mark.parametrize("seed", range(3))
def test_the_truth_keeps_the_expert_off_the_zone_and_off_little_more(make_ground, hazard, seed):
    world = make_ground(hazard=hazard, hazard_radius_m=PITS[hazard])
    world.reset(seed=seed)
    zone_m = PITS[hazard] + 0.5
    angles = np.linspace(0, 2 * math.pi, 90)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    truth, middle = world.truth(), hazard_of(world).middle
    assert forbidden(truth, middle + 0.999 * zone_m * ring).all()
    assert forbidden(truth, middle[None]).all()
    assert not forbidden(truth, middle + 1.03 * zone_m * ring).any()
    assert hazard_of(world).inside(middle[0] + 0.99 * zone_m, middle[1])
    assert not hazard_of(world).inside(middle[0] + 1.01 * zone_m, middle[1])


@pytest.mark.parametrize("hazard", ["cliff", *PITS])
def test_nothing_is_set_down_on_ground_to_keep_off(make_ground, hazard):
    world = make_ground(hazard=hazard, hazard_radius_m=PITS.get(hazard, 0.5))
    for seed in range(30):
        world.reset(seed=seed)
        truth = world.truth()
        stands = np.concatenate([truth.bricks[:, :2], here(world), truth.furniture[:, :2]])
        assert not forbidden(truth, stands).any()


@pytest.mark.parametrize("hazard", PITS)
def test_the_floor_is_whole_but_for_the_pit(make_ground, hazard):
    world = make_ground(hazard=hazard, hazard_radius_m=PITS[hazard], furniture=0)
    x, y = hazard_of(world).middle
    rim_m = PITS[hazard] * 1.09
    rng = np.random.default_rng(0)
    for place in rng.uniform(-3.9, 3.9, (150, 2)):
        if np.linalg.norm(place - (x, y)) > rim_m:
            assert ray_hits_floor(world, *place)
    if hazard == "hole":
        assert not ray_hits_floor(world, x, y)
        for angle in np.arange(8) * math.pi / 4:
            ray = 0.97 * PITS[hazard] * np.array([math.cos(angle), math.sin(angle)])
            assert not ray_hits_floor(world, *(np.array([x, y]) + ray))


def test_the_lid_carries_a_brick_until_the_loader_comes(make_ground):
    world = make_ground(hazard="collapse", hazard_radius_m=1.0, furniture=0)
    x, y = hazard_of(world).middle
    body = world._body
    bricks = body.scene.bricks.copy()
    bricks[0, :2] = x + 0.5, y + 0.6
    body.place(
        replace(body.scene, bricks=bricks, loader=np.array([x - 1.6, y, 0.0])),
        (world._scenario.digest, 7),
    )
    drive(world, STOP, 10)
    assert world.truth().bricks[0, 2] == pytest.approx(0.063, abs=0.004)
    assert lid_is_seen(world)
    drive(world, 0.6 * AHEAD, 9)
    assert not lid_is_seen(world)
    drive(world, STOP, 6)
    assert world.truth().bricks[0, 2] < -0.3


def lid_is_seen(world) -> bool:
    model = world._body.model
    geoms = np.flatnonzero(model.geom_bodyid == model.body("lid").id)
    shown, touches = model.geom_rgba[geoms, 3] > 0, model.geom_contype[geoms] == m.FLOOR
    assert shown.all() or not shown.any()
    assert touches.any() == shown.all()
    return bool(shown.all())


def test_a_lid_comes_back_with_a_snapshot_and_with_the_next_scene(make_ground):
    world = make_ground(hazard="collapse", hazard_radius_m=1.0, furniture=0)
    x, y = hazard_of(world).middle
    put_loader(world, (x - 1.3, y, 0.0))
    whole = world.snapshot()
    drive(world, 0.6 * AHEAD, 8)
    gone = world.snapshot()
    assert not lid_is_seen(world)
    world.restore(whole)
    assert lid_is_seen(world)
    world.restore(gone)
    assert not lid_is_seen(world)
    world.reset(seed=8)
    assert lid_is_seen(world)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"room_m": 4.0, "furniture": 0, "bricks": 1}, "room_m"),
        ({"hazard_radius_m": 1.5, "room_m": 5.0, "furniture": 0, "bricks": 1}, "hazard_radius_m"),
    ],
)
def test_a_pit_that_has_no_room_is_an_error(make_yard, blind, params, named):
    world = blind(make_yard("mid", **{"hazard": "collapse", "hazard_radius_m": 1.0, **params}))
    with pytest.raises(WorldError, match=named):
        world.reset(seed=1)


def test_a_hazard_has_the_floor_to_itself():
    with pytest.raises(ConfigError, match="found 'hole' with terrain 'ramp'"):
        yard_params("mid", {"hazard": "hole", "terrain": "ramp"})
