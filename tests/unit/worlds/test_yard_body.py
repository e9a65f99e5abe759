"""Holding, dropping and delivering bricks, and the touches that count."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard import geometry as g

STOP = np.zeros(4)
AHEAD = np.array([0.0, 1.0, 0.0, 0.0])
BUCKET_OPENS = np.array([0.0, 0.0, -1.0, 0.0])
LIFT_RISES = np.array([0.0, 0.0, 0.0, 1.0])


@pytest.fixture
def world(make_yard, blind):
    return blind(make_yard(bricks=2, bucket_capacity=2, time_limit_s=60.0))


@pytest.fixture
def one_at_a_time(make_yard, blind):
    return blind(make_yard(bricks=2, bucket_capacity=1, time_limit_s=60.0))


def put_loader(world, place: tuple[float, float] | np.ndarray, yaw_rad: float) -> None:
    """Move the loader to a place, at rest."""
    body = world._body
    at = body._loader_q
    body.data.qpos[at : at + 2] = place
    body.data.qpos[at + 3 : at + 7] = np.cos(yaw_rad / 2), 0, 0, np.sin(yaw_rad / 2)
    body.data.qvel[:] = 0


def drive_until(world, wanted) -> Counter[str]:
    """The expert drives until the truth is as wanted; the events on the way."""
    expert, events = YardExpert(), Counter()
    for _ in range(world.max_steps):
        if wanted(world.truth()):
            return events
        *_, info = world.step(expert.act(world.truth()))
        events.update(info["events"])
    pytest.fail("the expert never came to such a moment")


def hold_action(world, action, ticks: int) -> Counter[str]:
    events = Counter()
    for _ in range(ticks):
        *_, info = world.step(action)
        events.update(info["events"])
    return events


def test_curling_takes_hold_of_the_brick_in_the_mouth(world):
    world.reset(seed=4)
    events = drive_until(world, lambda truth: truth.load == 1)
    assert events["brick_held"] == 1
    truth = world.truth()
    assert truth.bucket > g.HOLD_ABOVE
    assert truth.bricks_on_floor == 1
    assert truth.bricks_left == 2


def test_a_held_brick_rides_in_the_bucket(one_at_a_time):
    world = one_at_a_time
    world.reset(seed=4)
    drive_until(world, lambda truth: truth.load == 1 and truth.bucket > 0.9)
    hold_action(world, LIFT_RISES, 12)
    hold_action(world, np.array([1.0, 0.0, 0.0, 0.0]), 20)
    truth = world.truth()
    assert truth.load == 1
    (brick,) = truth.bricks[truth.held]
    tip_m = np.linalg.norm(brick[:2] - truth.ahead(g.bucket_reach_m(truth.lift)))
    assert tip_m < 0.3
    assert brick[2] > 0.35


def test_opening_over_the_floor_drops_the_brick(one_at_a_time):
    world = one_at_a_time
    world.reset(seed=4)
    drive_until(world, lambda truth: truth.load == 1 and truth.bucket > 0.9)
    hold_action(world, LIFT_RISES, 12)
    assert world.truth().load == 1
    events = hold_action(world, BUCKET_OPENS, 15)
    assert events["brick_dropped"] == 1
    assert events["brick_delivered"] == 0
    truth = world.truth()
    assert truth.load == 0
    assert truth.bricks_on_floor == 2
    assert truth.bricks[:, 2].max() < 0.3  # it fell


def test_opening_on_the_ground_keeps_what_is_held(world):
    world.reset(seed=4)
    drive_until(world, lambda truth: truth.load == 1)
    events = hold_action(world, BUCKET_OPENS, 15)
    assert world.truth().bucket < g.RELEASE_BELOW
    assert world.truth().load == 1
    assert not events["brick_dropped"]


def test_an_empty_bucket_holds_nothing(world):
    world.reset(seed=4)
    events = hold_action(world, np.array([0.0, 0.0, 1.0, 1.0]), 20)
    events += hold_action(world, np.array([0.0, 0.0, -1.0, 0.0]), 20)
    assert not events["brick_held"]
    assert not events["brick_dropped"]


def test_the_bucket_holds_no_more_than_its_capacity(one_at_a_time):
    world = one_at_a_time
    world.reset(seed=4)
    expert, loads = YardExpert(), set()
    for _ in range(world.max_steps):
        loads.add(world.truth().load)
        if any(world.step(expert.act(world.truth()))[2:4]):
            break
    assert loads == {0, 1}
    assert world.truth().delivered.all()


def test_a_delivery_is_reward_progress_and_in_the_end_success(world):
    world.reset(seed=4)
    expert, rewards, events = YardExpert(), 0.0, Counter()
    for _ in range(world.max_steps):
        before = world.truth()
        _, reward, terminated, truncated, info = world.step(expert.act(before))
        truth = world.truth()
        rewards += reward
        events.update(info["events"])
        assert reward == info["events"].get("brick_delivered", 0)
        assert info["progress"] == truth.delivered.mean()
        assert info["success"] == terminated == truth.delivered.all()
        assert not (truth.held & truth.delivered).any()
        if terminated:
            break
        assert not truncated
    truth = world.truth()
    assert rewards == events["brick_delivered"] == 2
    inside = np.abs(truth.bricks[:, :2] - truth.box_m) < truth.params.box_side_m / 2
    assert inside.all()


def test_held_over_the_box_is_not_delivered(world):
    world.reset(seed=4)
    expert = YardExpert()
    drive_until(world, lambda truth: expert.phase(truth) == "dump")
    truth = world.truth()
    assert truth.load > 0
    assert not truth.delivered.any()


@pytest.mark.parametrize(
    ("event", "place", "yaw_rad"),
    [
        ("boundary_contact", (2.0, 1.0), 0.0),
        ("box_contact", (-2.2, -0.9), -np.pi / 2),
    ],
)
def test_a_touch_counts_as_it_begins(world, event, place, yaw_rad):
    world.reset(seed=4)
    put_loader(world, place, yaw_rad)
    at_first = hold_action(world, AHEAD, 20)
    assert 1 <= at_first[event] <= 3  # it may rebound
    assert not hold_action(world, AHEAD, 20)[event]  # pressing on is no new touch
    hold_action(world, -AHEAD, 10)
    assert hold_action(world, AHEAD, 30)[event] >= 1


def test_furniture_stands_in_the_way(make_yard, blind):
    world = blind(make_yard(bricks=1, furniture=1, room_m=8.0))
    world.reset(seed=4)
    x, y, *_ = world.truth().furniture[0]
    side = -1.0 if x > 0 else 1.0
    put_loader(world, (x + 1.6 * side, y), 0.0 if side < 0 else np.pi)
    events = hold_action(world, AHEAD, 40)
    assert events["furniture_contact"] >= 1
    truth = world.truth()
    assert np.hypot(truth.x_m - x, truth.y_m - y) > 0.4


def test_a_brick_may_be_pushed(world):
    world.reset(seed=4)
    before = world.truth()
    brick = before.bricks[0]
    away = np.arctan2(-brick[1], -brick[0])  # towards the middle: free ground
    put_loader(world, brick[:2] - (np.cos(away), np.sin(away)), away)
    hold_action(world, AHEAD, 15)
    moved_m = np.linalg.norm(world.truth().bricks[0, :2] - brick[:2])
    assert moved_m > 0.3
    assert world.truth().load == 0


@pytest.mark.parametrize(("throttle", "steering"), [(1.0, 0.0), (-1.0, 0.0), (0.5, 0.0)])
def test_the_loader_goes_as_fast_as_told(world, throttle, steering):
    world.reset(seed=4)
    put_loader(world, (-1.2 * throttle, 2.3), 0.0)
    hold_action(world, np.array([steering, throttle, 0.0, 0.0]), 10)
    start = world.truth()
    hold_action(world, np.array([steering, throttle, 0.0, 0.0]), 5)
    end = world.truth()
    speed_mps = (end.x_m - start.x_m) * world.params.fps / 5
    assert speed_mps == pytest.approx(throttle * world.params.max_speed_mps, rel=0.05)


@pytest.mark.parametrize("steering", [1.0, -0.5])
def test_the_loader_turns_as_fast_as_told(world, steering):
    world.reset(seed=4)
    put_loader(world, (0.0, 0.0), 0.0)
    for index in range(2):  # no brick may stand in the swing of the bucket
        at = world._body._brick_q[index]
        world._body.data.qpos[at : at + 2] = 2.0, 2.0 - index
    hold_action(world, np.array([steering, 0.0, 0.0, 0.0]), 5)
    start = world.truth().yaw_rad
    hold_action(world, np.array([steering, 0.0, 0.0, 0.0]), 5)
    turned = (world.truth().yaw_rad - start + np.pi) % (2 * np.pi) - np.pi
    rate = turned * world.params.fps / 5
    assert rate == pytest.approx(steering * world.params.max_turn_radps, rel=0.1)


def test_levers_move_their_targets_at_the_stated_rates(world):
    world.reset(seed=4)
    hold_action(world, np.array([0.0, 0.0, 1.0, 0.5]), 3)
    truth = world.truth()
    assert truth.bucket_target == pytest.approx(min(1.0, 0.3 * g.BUCKET_RATE_PER_S))
    assert truth.lift_target == pytest.approx(0.15 * g.LIFT_RATE_PER_S)
    hold_action(world, np.array([0.0, 0.0, 1.0, 1.0]), 20)
    assert (world.truth().bucket_target, world.truth().lift_target) == (1.0, 1.0)
    assert world.truth().lift == pytest.approx(1.0, abs=0.1)
    assert world.truth().bucket == pytest.approx(1.0, abs=0.1)


def test_a_scene_is_at_rest_at_the_start(world):
    world.reset(seed=4)
    before = world.truth()
    hold_action(world, STOP, 20)
    after = world.truth()
    assert np.abs(after.bricks[:, :2] - before.bricks[:, :2]).max() < 0.01
    assert np.hypot(after.x_m - before.x_m, after.y_m - before.y_m) < 0.02
