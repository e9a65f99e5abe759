"""A snapshot is the whole state: what follows a restore is the same to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from scene_prints import fingerprint

from loopyard.experts.yard import YardExpert

TICKS = 50
PARAMS = {"bricks": 3, "furniture": 1, "room_m": 8.0, "bucket_capacity": 2, "time_limit_s": 60.0}


def drive_until(world, wanted) -> None:
    """The expert drives until the truth is as wanted."""
    expert = YardExpert()
    for _ in range(world.max_steps):
        if wanted(world.truth()):
            return
        world.step(expert.act(world.truth()))
    pytest.fail("the expert never came to such a moment")


def course(world, actions) -> list[object]:
    """Everything a world gives while it is driven."""
    seen = []
    for action in actions:
        obs, reward, terminated, truncated, info = world.step(action)
        seen += [fingerprint(obs, world.truth()), reward, terminated, truncated, info]
    return seen


MOMENTS = {
    "the start": lambda truth: True,
    "driving": lambda truth: truth.load == 0 and truth.lift_target == 0.0 and truth.x_m != 0,
    "holding a brick": lambda truth: truth.load == 1 and truth.lift > 0.3,
    "holding two": lambda truth: truth.load == 2 and truth.lift > 0.9,
    "bricks falling": lambda truth: truth.load == 0 and truth.lift > 0.8,
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("course_of", ["wild", "expert's"])
def test_restore_goes_on_to_the_bit(make_yard, blind, moment, course_of):
    world = blind(make_yard(**PARAMS))
    world.reset(seed=21)
    drive_until(world, MOMENTS[moment])
    actions = np.random.default_rng(4).uniform(-1, 1, (TICKS, 4))
    kept = world.snapshot()
    if course_of == "expert's":
        actions = expert_course(world)
        world.restore(kept)
    first = course(world, actions)
    world.restore(kept)
    assert course(world, actions) == first
    world.restore(kept)  # a snapshot may be used again, and is not what later ticks change
    assert course(world, actions) == first


def expert_course(world) -> list[np.ndarray]:
    """The next 50 actions of the expert."""
    expert, actions = YardExpert(), []
    for _ in range(TICKS):
        actions.append(expert.act(world.truth()))
        world.step(actions[-1])
    return actions


def test_a_blind_fork_leaves_no_trace(make_yard, blind):
    one, other = (blind(make_yard(**PARAMS)) for _ in range(2))
    expert = YardExpert()
    for world in (one, other):
        world.reset(seed=21)
    for tick in range(150):
        action = expert.act(one.truth())
        if tick % 10 == 0:
            kept = one.snapshot()
            for _ in range(20):
                if one.step_blind(expert.act(one.truth())):
                    break
            one.restore(kept)
        first, second = course(one, [action]), course(other, [action])
        assert first == second, tick


def test_a_blind_step_is_a_step(make_yard, blind):
    one, other = (blind(make_yard(time_limit_s=3.0)) for _ in range(2))
    for world in (one, other):
        world.reset(seed=2)
    actions = np.random.default_rng(1).uniform(-1, 1, (30, 4))
    ends = [one.step_blind(action) for action in actions]
    assert ends == [any(other.step(action)[2:4]) for action in actions]
    assert ends[-1]
    assert fingerprint(one.truth()) == fingerprint(other.truth())


def test_another_world_in_the_same_scene_goes_on_from_a_snapshot(make_yard, blind):
    one, other = (blind(make_yard(**PARAMS)) for _ in range(2))
    one.reset(seed=21)
    drive_until(one, MOMENTS["holding a brick"])
    other.reset(seed=21)
    other.restore(one.snapshot())
    actions = np.random.default_rng(4).uniform(-1, 1, (TICKS, 4))
    assert course(one, actions) == course(other, actions)


@pytest.mark.gl
def test_a_restored_world_shows_the_same_picture(make_yard):
    world = make_yard(**PARAMS)
    obs, _ = world.reset(seed=21)
    for _ in range(5):
        obs, *_ = world.step(np.array([0.3, 1.0, 0.2, 0.5]))
    kept = world.snapshot()
    for _ in range(5):
        world.step(np.array([-1.0, 0.5, 0.0, 0.0]))
    world.restore(kept)
    assert fingerprint(world.observe()) == fingerprint(obs)
