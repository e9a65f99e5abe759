"""The box that is searched, and what cannot be searched."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.evaluation.adversary.space import Axis, open_space
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.randomise import drawn_for

YARD = Scenario(world="yard", preset="mid")


def test_points_become_scenarios_and_back():
    space = open_space(YARD, {"max_speed_mps": (0.5, 2.5), "bricks": (1, 6)})
    scenario = space.scenario(np.array([0.25, 0.5]))
    assert scenario.params == {"max_speed_mps": 1.0, "bricks": 4}
    assert type(scenario.params["bricks"]) is int
    assert space.snapped(np.array([0.25, 0.5])) == pytest.approx([0.25, 0.6])
    assert space.nominal == pytest.approx([0.5, 0.4])  # mid: 1.5 m/s, 3 bricks


def test_values_stay_inside_and_the_nominal_may_lie_outside():
    axis = Axis("x", 1.0, 3.0, 0.5, False)
    assert [axis.value(u) for u in (-0.5, 0.0, 1.0, 1.5)] == [1.0, 1.0, 3.0, 3.0]
    assert axis.unit(axis.nominal) == -0.25


DRAWN = {"randomise.motor_delay_ms": (0.0, 60.0), "randomise.distractors": (0, 4)}


def test_what_is_randomised_may_be_held_at_a_value():
    space = open_space(YARD, DRAWN)
    scenario = space.scenario(np.array([0.5, 0.5]))
    assert scenario.params == {}
    drawn = drawn_for(scenario, yard_params("mid"), ("x", 1))
    assert drawn == {"motor_delay_ms": 30.0, "distractors": 2}
    assert space.nominal == pytest.approx([0.0, 0.0])


def test_the_base_s_own_randomisation_stays():
    base = YARD.model_copy(update={"randomise": Randomisation(groups=("physical",), width=0.5)})
    vary = {"randomise.motor_delay_ms": (0.0, 60.0), "bricks": (1, 3)}
    space = open_space(base, vary)
    scenario = space.scenario(np.array([1.0, 0.0]))
    drawn = drawn_for(scenario, yard_params("mid", scenario.params), ("x", 1))
    assert drawn["motor_delay_ms"] == 60.0
    assert {"brick_mass", "damping"} < set(drawn)
    with pytest.raises(ConfigError, match=r"quantity: found 'randomise\.image_noise'"):
        open_space(base, {**vary, "randomise.image_noise": (0.0, 0.1)})


@pytest.mark.parametrize(
    ("base", "vary", "said"),
    [
        (YARD, {}, "--vary: found 'none', expected 2 to 8 parameters"),
        (YARD, {"bricks": (1, 3)}, "--vary: found 'bricks', expected 2 to 8"),
        (YARD, {"bricks": (1, 3), "brisk": (1, 3)}, "parameter: found 'brisk', expected"),
        (YARD, {"bricks": (3, 1), "room_m": (6, 8)}, "bricks: found '3:1', expected LOW:HIGH"),
        (YARD, {"bricks": (2, 2), "room_m": (6, 8)}, "bricks: found '2:2', expected LOW:HIGH"),
        (YARD, {"bricks": ("x", 2), "room_m": (6, 8)}, "bricks: found 'x:2', expected LOW:HIGH"),
        (YARD, {"bricks": (1, 90), "room_m": (6, 8)}, "bricks: found 90, Input should be"),
        (YARD, {"bricks": (1, 2.5), "room_m": (6, 8)}, "bricks: found 2.5, Input should be"),
        (YARD, {"room_m": (6, float("inf")), "bricks": (1, 2)}, "room_m: found '6:inf'"),
        (YARD, {"light": (0, 1), "room_m": (6, 8)}, "--vary light: .* found 'normal'.*a number"),
        (YARD, {"pretty": (0, 1), "room_m": (6, 8)}, "--vary pretty: .* found False"),
        (YARD, {"door_opens_at_s": (0, 9), "room_m": (6, 8)}, "--params door_opens_at_s NUMBER"),
        (Scenario(world="own:World"), {"a": (0, 1), "b": (0, 1)}, "--params a NUMBER"),
        (YARD, {**DRAWN, "randomise.delay": (0, 1)}, "quantity: found 'randomise.delay', expected"),
        (YARD, {**DRAWN, "randomise.floor": (0, 1)}, "quantity: found 'randomise.floor'"),
        (YARD, {**DRAWN, "randomise.damping": (0.3, 0.1)}, "damping: found '0.3:0.1'"),
        (YARD, {**DRAWN, "randomise.damping": (-1, 0.1)}, "damping: found -1, expected 0 or more"),
        (Scenario(world="gymnasium:Env"), DRAWN, "randomisation of 'gymnasium:Env' is not known"),
        (
            Scenario(world="yard", params={"brisk": 3}),
            {"bricks": (1, 3), "room_m": (6, 8)},
            "parameter: found 'brisk'",
        ),
    ],
)
def test_what_cannot_be_searched_is_named(base, vary, said):
    with pytest.raises(ConfigError, match=said):
        open_space(base, vary)
