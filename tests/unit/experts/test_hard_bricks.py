"""The expert and bricks that are hard to fetch: left, given up, carried gently, kept off."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loopyard.experts import hard_bricks
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth
from loopyard.worlds.yard.world import YardWorld


@pytest.fixture
def make_yard() -> Iterator[Callable[..., YardWorld]]:
    """Makes mid-size yards that draw no cameras."""
    made: list[YardWorld] = []

    def make(**params: Any) -> YardWorld:
        world = YardWorld("mid", **params)
        world._observation = lambda: {}  # type: ignore[method-assign]
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


@pytest.fixture
def truth(make_yard) -> YardTruth:
    """Three bricks: ahead of the loader at 2 m, and two behind it."""
    world = make_yard(furniture=0)
    world.reset(seed=5)
    bricks = np.array([[2.0, 0.0, 0.065], [-2.0, 1.0, 0.065], [-2.0, -1.0, 0.065]])
    return replace(world.truth(), x_m=0.0, y_m=0.0, yaw_rad=0.0, bricks=bricks)


def drive(world: YardWorld, seed: int) -> tuple[Counter[str], YardTruth, bool]:
    """The expert's whole drive: what happened, the last truth, success."""
    expert, events = YardExpert(), Counter[str]()
    world.reset(seed=seed)
    while True:
        *_, terminated, truncated, info = world.step(expert.act(world.truth()))
        events.update(info["events"])
        if terminated or truncated:
            return events, world.truth(), info["success"]


def in_mouth(truth: YardTruth, **changes: Any) -> YardTruth:
    """The first brick in the lowered bucket."""
    bricks = truth.bricks.copy()
    bricks[0, :2] = g.bucket_reach_m(0.0) + 0.1, 0.0
    return replace(truth, bricks=bricks, lift=0.0, **changes)


def test_it_goes_for_a_brick_that_fits_and_not_for_one_that_does_not(truth):
    expert = YardExpert()
    assert expert.phase(truth) == "approach"
    assert expert.phase(replace(truth, fits=np.array([False, True, True]))) == "scan"


def test_it_gives_a_brick_up_after_three_tries(truth):
    for tries, phase in ((2, "approach"), (3, "scan"), (7, "scan")):
        tried = replace(truth, tries=np.array([tries, 0, 0]))
        assert YardExpert().phase(tried) == phase


def test_it_closes_lifts_off_and_then_leaves_a_stuck_brick(truth):
    expert = YardExpert()
    assert expert.phase(in_mouth(truth)) == "scoop"
    once = np.array([1, 0, 0])
    in_vain = in_mouth(truth, tries=once, bucket=0.95, bucket_target=1.0)
    assert expert.phase(in_vain) == "lower"
    _, throttle, bucket, lift = expert.act(in_vain)
    assert throttle < 0
    assert bucket < 0
    assert lift > 0
    rising = in_mouth(truth, tries=once, bucket=0.7, bucket_target=0.7, lift_target=0.1)
    assert expert.phase(rising) == "lower"
    again = in_mouth(truth, tries=once, bucket=0.2, bucket_target=0.2, lift_target=0.0)
    assert expert.phase(again) == "scoop"
    given_up = in_mouth(truth, tries=np.array([3, 0, 0]), bucket=0.2)
    assert expert.phase(given_up) == "retreat"
    assert expert.act(given_up)[1] < 0


def test_bricks_that_stay_lying_are_driven_round(truth):
    assert len(hard_bricks.left_lying(truth)) == 0
    left = replace(truth, fits=np.array([False, True, True]), tries=np.array([0, 3, 0]))
    rows = hard_bricks.left_lying(left)
    assert rows[:, :2] == pytest.approx(truth.bricks[:2, :2])
    assert rows[:, 3].tolist() == [g.SLAB.x_m, g.BRICK.x_m]
    assert len(hard_bricks.left_lying(replace(left, delivered=np.ones(3, dtype=bool)))) == 0


@pytest.mark.parametrize("spill_mps2", [1.0, 1.5, 2.9])
def test_a_load_is_turned_gently_where_it_could_slide_out(truth, spill_mps2):
    full = truth.params.max_speed_mps, truth.params.max_turn_radps
    loaded = replace(truth, held=np.array([False, True, False]), spill_mps2=spill_mps2)
    for steering, throttle in np.random.default_rng(0).uniform(-1, 1, (200, 2)):
        turn, drive = hard_bricks.gently(loaded, steering, throttle)
        assert abs(turn * full[1] * drive * full[0]) < spill_mps2
        assert math.copysign(1, turn) == math.copysign(1, steering)
    empty = replace(loaded, held=np.zeros(3, dtype=bool))
    assert hard_bricks.gently(empty, 1.0, 1.0) == (1.0, 1.0)
    assert hard_bricks.gently(replace(loaded, spill_mps2=math.inf), 1.0, 1.0) == (1.0, 1.0)


@pytest.mark.parametrize("seed", [900_002, 900_003])
def test_it_gives_up_the_stuck_brick_and_fetches_the_others(make_yard, seed):
    _, truth, success = drive(make_yard(stuck_bricks=1), seed)
    assert success
    assert truth.delivered.tolist() == [True, True, False]
    assert truth.tries[2] <= hard_bricks.GIVE_UP_TRIES


def test_it_leaves_what_does_not_fit(make_yard):
    _, truth, success = drive(make_yard(brick_sizes="mixed_large"), 900_001)
    assert success
    assert not truth.fits.all()
    assert (truth.delivered == truth.fits).all()


def test_it_keeps_off_a_glass_and_the_brick_beside_it(make_yard):
    events, truth, success = drive(make_yard(fragile=1), 900_000)
    assert success
    assert truth.delivered.tolist() == [False, True, True]
    assert not events["violation_fragile_contact"]


def test_it_loses_no_load_in_turns(make_yard):
    events, _, success = drive(make_yard(bucket_friction=0.15, furniture=0), 900_001)
    assert success
    assert not events["brick_dropped"]
