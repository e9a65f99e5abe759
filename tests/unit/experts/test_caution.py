"""Caution: slow down a ramp, stop before ground to keep off, get out of it, and go round it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loopyard.core.seeds import SEED_RANGES
from loopyard.experts.caution import DESCENT_THROTTLE, careful, forbidden
from loopyard.experts.steering import ways_to
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.truth import MoverTruth, YardTruth
from loopyard.worlds.yard.world import YardWorld

EDGE = (3.0, 0.0, 0.0, 1.0, 8.0)
"""Everything east of x = 2."""
GROUNDS: dict[str, dict[str, Any]] = {
    "slope": {"terrain": "slope", "slope_deg": 4.0},
    "ramp": {"terrain": "ramp", "slope_deg": 12.0},
    "uneven": {"terrain": "uneven"},
    "cliff": {"hazard": "cliff"},
    "hole": {"hazard": "hole"},
    "collapse": {"hazard": "collapse", "hazard_radius_m": 1.0},
}


@pytest.fixture(scope="module")
def somewhere() -> Iterator[YardTruth]:
    """A truth without furniture, the loader mid-floor and facing east."""
    world = YardWorld("mid", furniture=0)
    world._observation = lambda: {}  # type: ignore[method-assign]
    world.reset(seed=5)
    yield replace(world.truth(), x_m=0.0, y_m=0.0, yaw_rad=0.0)
    world.close()


def at(truth: YardTruth, x: float, y: float, yaw: float, *rows: tuple[float, ...]) -> YardTruth:
    return replace(truth, x_m=x, y_m=y, yaw_rad=yaw, keep_out=np.array(rows).reshape(-1, 5))


def test_on_common_ground_a_move_stays_as_it_is(somewhere):
    assert careful(somewhere, 0.3, 1.0) == (0.3, 1.0)


@pytest.mark.parametrize("throttle", [1.0, -1.0])
def test_down_a_ramp_it_is_slow(somewhere, throttle):
    downhill = replace(somewhere, downhill=True)
    assert careful(downhill, 0.3, throttle) == (0.3, math.copysign(DESCENT_THROTTLE, throttle))
    assert careful(downhill, 0.3, 0.1) == (0.3, 0.1)


@pytest.mark.parametrize(("yaw_rad", "throttle"), [(0.0, 1.0), (math.pi, -1.0)])
def test_the_nearer_the_edge_the_slower_and_before_it_a_stop(somewhere, yaw_rad, throttle):
    places = np.linspace(0.0, 1.99, 40)
    throttles = [
        careful(at(somewhere, x, 0.0, yaw_rad, EDGE), 0.0, throttle)[1] * throttle for x in places
    ]
    assert throttles[0] == 1.0
    assert throttles[-1] == 0.0
    assert (np.diff(throttles) <= 1e-9).all()


def test_away_from_the_edge_and_along_it_nothing_holds_it_back(somewhere):
    assert careful(at(somewhere, 1.95, 0.0, math.pi, EDGE), 0.0, 1.0) == (0.0, 1.0)
    assert careful(at(somewhere, 1.95, 0.0, math.pi / 2, EDGE), 0.0, 1.0) == (0.0, 1.0)


def test_held_back_it_turns(somewhere):
    assert careful(at(somewhere, 1.97, 0.0, 0.0, EDGE), 0.0, 1.0) == (1.0, 0.0)
    assert careful(at(somewhere, 1.97, 0.0, 0.0, EDGE), -0.5, 1.0) == (-0.5, 0.0)


@pytest.mark.parametrize("yaw_rad", np.linspace(-3.0, 3.0, 9))
@pytest.mark.parametrize("rows", [(EDGE,), ((2.6, 0.0, 0.7, 0.5, 0.4), (2.6, 0.0, -0.2, 0.3, 0.6))])
def test_inside_it_gets_out_by_a_short_way(somewhere, yaw_rad, rows):
    x, y, yaw = 2.5, 0.1, float(yaw_rad)
    for tick in range(60):
        truth = at(somewhere, x, y, yaw, *rows)
        if not forbidden(truth, np.array([[x, y]]))[0]:
            assert tick < 45
            return
        steering, throttle = careful(truth, 0.0, 1.0)
        yaw += 0.1 * steering * truth.params.max_turn_radps
        x += 0.1 * throttle * truth.params.max_speed_mps * math.cos(yaw)
        y += 0.1 * throttle * truth.params.max_speed_mps * math.sin(yaw)
        assert math.dist((x, y), (2.5, 0.1)) < 1.2
    pytest.fail("it never got out")


def test_ways_go_round_ground_to_keep_off_and_not_wide_of_it(somewhere):
    pit = (2.0, 0.0, 0.0, 0.5, 0.5)
    truth = at(somewhere, 0.0, 0.0, 0.0, pit)
    ways = ways_to(truth, np.array([[3.5, 0.0], [0.0, 3.0]]), with_box=False)
    assert ways.direct.tolist() == [False, True]
    assert 3.5 < ways.lengths_m[0] < 4.1
    corner = np.abs(ways.waypoints[0] - (2.0, 0.0)).max()
    assert 0.55 < corner < 0.8


def test_who_waits_for_someone_waits_even_on_ground_to_keep_off(somewhere):
    pet = MoverTruth("pet", 2.6, 0.3, 0.0, 0.0, alert=True)
    truth = replace(at(somewhere, 2.5, 0.0, 0.0, EDGE), movers=(pet,))
    assert YardExpert().phase(truth) == "wait"
    assert YardExpert().act(truth)[:2].tolist() == [0.0, 0.0]
    alone = replace(truth, movers=())
    assert YardExpert().act(alone)[:2].any()


@pytest.mark.parametrize("ground", GROUNDS)
def test_it_clears_such_yards_without_a_violation(ground):
    """With a picture in which it sees across the room: here it is the ground that matters."""
    world = YardWorld("mid", image_width=192, image_height=192, **GROUNDS[ground])
    world._observation = lambda: {}  # type: ignore[method-assign]
    expert, events = YardExpert(), Counter()
    for seed in SEED_RANGES["select"][:2]:
        world.reset(seed=seed)
        for _ in range(world.max_steps):
            _, _, terminated, truncated, info = world.step(expert.act(world.truth()))
            events.update(info["events"])
            if terminated or truncated:
                assert info["success"]
                break
    world.close()
    assert not [name for name in events if name.startswith("violation")]
