"""A world that refuses a scenario is replaced by one that takes it, when a policy cannot tell."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.remade import Remade


def make(scenario: Scenario) -> Any:
    return importlib.import_module("strict_world").StrictWorld(**scenario.params)


def scenario(**params: Any) -> Scenario:
    return Scenario(world="strict_world:StrictWorld", params=params)


def reset(world: Remade, **params: Any) -> None:
    world.reset(seed=1, options={"scenario": scenario(**params)})


@pytest.fixture
def first() -> Any:
    return make(scenario())


def test_a_world_that_takes_the_scenario_is_kept(first):
    world = Remade(first, make)
    reset(world)
    assert world.unwrapped is first
    assert world.speed == 1.0


def test_a_world_that_refuses_gives_way_to_one_that_does_not(first):
    world = Remade(first, make)
    reset(world, speed=2.0)
    assert (world.speed, first.closed) == (2.0, True)
    assert world.step(world.action_space.sample())[4]["progress"] <= 1.0


@pytest.mark.parametrize("params", [{"speed": 2.0, "actions": 3}, {"speed": 2.0, "room": False}])
def test_one_of_another_shape_or_without_room_changes_nothing(params, first):
    world = Remade(first, make)
    with pytest.raises(WorldError, match="speed: found"):
        reset(world, **params)
    assert world.unwrapped is first
    assert not first.closed


def test_one_evaluation_judges_at_several_speeds():
    scenes = [(scenario(speed=speed), 900_000) for speed in (1.0, 2.0, 3.0)]
    result = evaluate("expert", scenes=scenes, workers=0)
    assert [record.scenario.params["speed"] for record in result.records] == [1.0, 2.0, 3.0]
    assert result.successes == 3


@pytest.mark.gl
def test_the_yard_is_driven_at_two_top_speeds():
    scenes = [
        (Scenario(world="yard", params={"max_speed_mps": speed, "time_limit_s": 0.3}), 900_000)
        for speed in (1.0, 2.0)
    ]
    assert evaluate("expert", scenes=scenes, workers=0).n == 2
