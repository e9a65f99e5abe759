"""What the camera can tell: by the size in the picture, and with furniture in the way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.experts.test_steering import truth_at as empty_yard

from loopyard.core.scenario import Scenario
from loopyard.experts.sight import CLEAR_PX, beside_furniture, in_picture, in_sight, sight_range_m
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.truth import YardTruth
from loopyard.worlds.yard.world import YardWorld

SMALL = {"fps": 10, "substeps": 16, "image_width": 160, "image_height": 120}


def truth_at(
    x_m: float, y_m: float, yaw_rad: float, bricks: Any = (), furniture: Any = (), **params: Any
) -> YardTruth:
    """Bricks as (x, y), furniture as (x, y, yaw, half length, half width); in a small picture."""
    places = np.array(bricks, dtype=float).reshape(-1, 2)
    several, none = np.ones(len(places), dtype=bool), np.zeros(len(places), dtype=bool)
    return replace(
        empty_yard(x_m, y_m, yaw_rad, furniture, **(SMALL | params)),
        bricks=np.column_stack([places, np.full(len(places), g.BRICK.z_m)]),
        held=none,
        delivered=none,
        required=several,
        fits=several,
        tries=np.zeros(len(places), dtype=int),
        view_half_rad=math.atan(math.tan(math.radians(g.EGO_FOVY_DEG) / 2) * 4 / 3),
    )


@pytest.mark.parametrize("preset", ["starter", "full"])
def test_a_preset_is_seen_across(preset):
    assert sight_range_m(yard_params(preset)) == math.inf


def test_a_smaller_picture_shows_less_far():
    ranges = [
        sight_range_m(yard_params("full", SMALL | {"image_height": rows}))
        for rows in (96, 120, 144)
    ]
    assert ranges == sorted(ranges)
    assert ranges[1] == pytest.approx(7.07, abs=0.01)


def test_a_brick_at_the_range_is_as_wide_as_said():
    """Counted in a real picture: a large one, in which pixels are many, then scaled."""
    params, finer = yard_params("full", SMALL), 6
    world = YardWorld("full", bricks=1, furniture=0, image_width=960, image_height=720)
    try:
        world.reset(seed=5)
        body, distance_m = world._body, sight_range_m(params)
        loader, brick = body._loader_q, body._brick_q[0]
        widths = []
        for yaw_rad in np.linspace(0.0, math.pi, 8, endpoint=False):
            half_turn = math.cos(yaw_rad / 2), 0.0, 0.0, math.sin(yaw_rad / 2)
            body.data.qpos[loader : loader + 7] = (-3.0, 3.0, 0.0, 1.0, 0.0, 0.0, 0.0)
            body.data.qpos[brick : brick + 7] = (distance_m - 3.0, 3.0, g.BRICK.z_m, *half_turn)
            body.model.geom_rgba[body._brick_geom[0], :3] = (1.0, 0.0, 1.0)
            world.step(np.zeros(4, np.float32))
            picture = world._observation()["observation.images.ego"].astype(int)
            shows = picture[..., 2] - picture[..., 1] > 60
            widths.append(np.ptp(np.nonzero(shows.any(axis=0))[0]) + 1)
    finally:
        world.close()
    assert np.mean(widths) / finer == pytest.approx(CLEAR_PX, rel=0.08)


def test_a_brick_too_far_is_not_in_sight():
    truth = truth_at(-5.0, 0.0, 0.0, [(1.9, 0.0), (2.2, 0.0)])
    assert in_sight(truth, truth.bricks[:, :2]).tolist() == [True, False]


@pytest.mark.parametrize(
    ("brick_x_m", "seen"),
    [
        (0.6, False),  # in the bench's shadow
        (3.8, True),  # beyond it
        (-0.6, True),  # before it
    ],
)
def test_a_brick_behind_a_bench_is_not_in_sight(brick_x_m, seen):
    bench = (0.0, 0.0, math.pi / 2, 0.7, 0.2)
    truth = truth_at(-3.0, 0.0, 0.0, [(brick_x_m, 0.0)], [bench])
    assert in_sight(truth, truth.bricks[:, :2]).tolist() == [seen]
    assert in_sight(truth, truth.bricks[:, :2] + (0.0, 1.5)).tolist() == [True]


def test_in_the_picture_is_what_the_camera_shows():
    truth = truth_at(0.0, 0.0, 0.0)
    bearings = np.radians([0.0, 40.0, 49.0, 180.0])
    far = 6.0 * np.stack([np.cos(bearings), np.sin(bearings)], axis=1)
    assert in_picture(truth, far).tolist() == [True, True, False, False]
    assert in_picture(truth, far / 4).tolist() == [True, True, True, False]  # it looks down


def test_the_expert_does_not_know_of_a_brick_it_cannot_see():
    """The same action wherever the brick is, as long as that is out of sight."""
    places = [(6.9, 6.9), (6.9, 0.0), (-5.0, 3.0)]
    actions = [YardExpert().act(truth_at(-2.0, -5.0, 0.0, [place])) for place in places]
    assert all((action == actions[0]).all() for action in actions)


def test_in_the_starter_it_knows_of_a_brick_across_the_room():
    truth = truth_at(-2.0, -2.0, math.pi / 4, [(2.6, 2.6)])
    truth = replace(truth, params=yard_params("starter"))
    assert YardExpert().phase(truth) == "approach"


@pytest.mark.parametrize(
    ("place", "within_m", "beside"),
    [((1, 0), 0.6, True), ((1, 0), 0.4, False), ((0, 1), 0.9, True), ((2, 2), 1.3, False)],
)
def test_beside_furniture_counts_from_its_edge(place, within_m, beside):
    turned = (0.0, 0.0, math.pi / 2, 0.2, 0.5)  # so that it is half a metre long in x
    truth = truth_at(place[0], place[1], 0.0, furniture=[turned])
    assert beside_furniture(truth, within_m) is beside
    assert not beside_furniture(truth_at(place[0], place[1], 0.0), 9.0)


def test_a_loader_that_rounds_a_corner_gets_the_brick():
    """It lost it behind the bench, and patrolled to and fro."""
    world, expert = YardWorld("mid"), YardExpert()
    try:
        world._observation = lambda: {}
        world.reset(seed=900_013, options={"scenario": Scenario(world="yard", preset="mid")})
        ended = False
        while not ended:
            ended = world.step_blind(expert.act(world.truth()))
        assert world.truth().delivered.all()
    finally:
        world.close()
