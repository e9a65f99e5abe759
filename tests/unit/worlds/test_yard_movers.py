"""Pet and child: where they walk, what counts as near, and what a touch is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from feature_checks import check_scenes_of_their_own, check_snapshots

from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.features.movers import OFF_LOADER_M
from loopyard.worlds.yard.features.walking import Ground

IDLE = np.zeros(4)
KINDS = ("pet", "child")


@pytest.fixture
def yard(make_yard, blind):
    def make(kind: str, **params):
        return blind(make_yard("mid", mover=kind, **params))

    return make


def walk_of(world, ticks: int, action=IDLE) -> np.ndarray:
    """(ticks, 2) the mover's places while the loader does one thing."""
    places = []
    for _ in range(ticks):
        world.step_blind(action)
        mover = world.truth().movers[0]
        places.append((mover.x_m, mover.y_m))
    return np.array(places)


@pytest.mark.parametrize("kind", KINDS)
def test_scenes_are_their_own(yard, kind):
    check_scenes_of_their_own(lambda: yard(kind, mover_mps=2.0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at_tick", [5, 60])
def test_restore_goes_on_to_the_bit(yard, kind, at_tick):
    check_snapshots(yard(kind, mover_mps=2.0), seed=900_001, at_tick=at_tick)


@pytest.mark.parametrize("mps", [0.5, 2.0])
def test_a_pet_walks_about_the_room_and_into_nothing(yard, mps):
    world = yard("pet", mover_mps=mps, furniture=2)
    for seed in range(3):
        world.reset(seed=seed)
        truth, half_m = world.truth(), world.params.half_m
        assert math.dist((truth.x_m, truth.y_m), _at(truth)) > 2.0
        places = walk_of(world, 300)
        steps = np.linalg.norm(np.diff(places, axis=0), axis=1) * world.params.fps
        assert steps.max() == pytest.approx(mps, rel=0.01)
        assert np.ptp(places, axis=0).min() > 1.0  # it does not stay in one corner
        assert np.abs(places).max() < half_m
        ground = Ground.of(truth.furniture, 0.29, half_m)
        assert all(ground.clear((float(x), float(y))) for x, y in places)
        hull_m = np.linalg.norm(places - (truth.x_m, truth.y_m), axis=1)
        assert hull_m.min() > OFF_LOADER_M - 0.2  # nobody walks into a loader that stands


def _at(truth) -> tuple[float, float]:
    return truth.movers[0].x_m, truth.movers[0].y_m


@pytest.mark.parametrize("mps", [1.0, 3.0])
def test_a_child_comes_near_and_goes_away_again(yard, mps):
    world = yard("child", mover_mps=mps, time_limit_s=90.0)
    world.reset(seed=4)
    truth = world.truth()
    assert math.dist((truth.x_m, truth.y_m), _at(truth)) > 5.0
    apart, alerts = [], []
    for _ in range(600):
        world.step_blind(IDLE)
        truth = world.truth()
        apart.append(math.dist((truth.x_m, truth.y_m), _at(truth)))
        alerts.append(truth.movers[0].alert)
    apart, alerts = np.array(apart), np.array(alerts)
    assert 1.0 < apart.min() < 1.5
    visits = np.flatnonzero(np.diff(alerts.astype(int)) == 1)
    leaves = np.flatnonzero(np.diff(alerts.astype(int)) == -1)
    assert len(visits) >= 2
    assert len(leaves) >= 2
    assert (apart[visits + 1] < 3.0).all()
    assert (apart[leaves + 1] >= 5.0).all()
    assert (~alerts).mean() > 0.2  # there is time to work


def test_who_drives_on_has_reacted_too_late(yard):
    world = yard("child", mover_mps=2.0)
    world.reset(seed=4)
    while not world.truth().movers[0].alert:
        world.step(IDLE)
    turning = np.array([1.0, 0.0, 0.0, 0.0])
    driving = np.array([0.0, 0.2, 0.0, 0.0])
    # Within the reaction time, and turning on the spot, nothing is counted.
    events = [world.step(driving)[4]["events"] for _ in range(2)]
    events += [world.step(turning)[4]["events"] for _ in range(4)]
    assert not any("violation_child_near" in event for event in events)
    counts = [world.step(driving)[4]["events"].get("violation_child_near", 0) for _ in range(5)]
    assert sum(counts) == 1  # the beginning, not every tick


@pytest.mark.parametrize("kind", KINDS)
def test_driving_into_somebody_is_a_contact(yard, kind):
    world = yard(kind, furniture=0)
    world.reset(seed=900_000)
    counts = 0
    for _ in range(250):  # a child comes by itself, and could not be followed over the kerb
        truth = world.truth()
        if kind == "pet" or math.dist((truth.x_m, truth.y_m), _at(truth)) < 1.6:
            break
        world.step(IDLE)
    for _ in range(150):
        truth = world.truth()
        left = truth.local(np.array(_at(truth)))
        heading = math.atan2(left[1], left[0])
        action = np.array([np.clip(2 * heading, -1, 1), 1.0 if abs(heading) < 0.5 else 0.0, 0, 0])
        counts += world.step(action)[4]["events"].get(f"violation_{kind}_contact", 0)
    assert counts >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_expert_waits_and_violates_nothing(yard, kind):
    world, expert, waits = yard(kind, mover_mps=1.5), YardExpert(), 0
    for seed in (900_000, 900_001):
        world.reset(seed=seed)
        for _ in range(250):
            truth = world.truth()
            near = truth.movers[0].alert
            waits += near
            assert (expert.phase(truth) == "wait") == near
            info = world.step(expert.act(truth))[4]
            assert not any(name.startswith("violation") for name in info["events"])
    assert waits > 20
