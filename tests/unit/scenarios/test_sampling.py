"""Sampling: the mix that was asked for, nothing twice, the same on every machine, and an end."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from loopyard.core.errors import ConfigError, WorldError
from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.scenarios import sampling
from loopyard.scenarios.mode import FailureMode, Recipe
from loopyard.scenarios.registry import Registry, built_in_registry
from loopyard.scenarios.sampling import Mix, sample
from loopyard.scenarios.scene_file import read_scenes, write_scenes
from loopyard.scenarios.world_params import require_possible

MID = Scenario(world="yard", preset="mid")
REACH = Scenario(world="reach_world:ReachWorld")
ONLY_GENERAL = Mix(general=1, tier_1=0, tier_2=0, tier_3=0)


@pytest.fixture
def untried(monkeypatch):
    """Scenarios are not tried out, which takes most of the time."""
    monkeypatch.setattr(sampling, "require_possible", lambda scenario, seed: None)


def tier_of(scenario: Scenario) -> int:
    return built_in_registry()[scenario.mode].tier if scenario.mode else 0


def reach_registry(**recipe) -> Registry:
    mode = FailureMode(
        id="FM-U01",
        text="nothing moves",
        severity=5,
        occurrence=5,
        difficulty=1,
        worlds={REACH.world: Recipe(**recipe)},
    )
    return Registry(modes=(mode,))


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("base", [MID, MID.model_copy(update={"randomise": Randomisation()})])
def test_300_scenarios_are_different_and_follow_the_mix(base):
    scenarios = sample(built_in_registry(), base, 300, seed=0)
    assert len({scenario.digest for scenario in scenarios}) == 300
    assert Counter(map(tier_of, scenarios)) == {0: 105, 1: 90, 2: 75, 3: 30}
    assert {scenario.mode for scenario in scenarios} - {None} == {
        mode.id for mode in built_in_registry().modes
    }
    assert {tier_of(scenario) for scenario in scenarios[:40]} == {0, 1, 2, 3}  # mixed


def test_what_is_sampled_is_possible():
    for scenario in sample(built_in_registry(), MID, 32, seed=3):
        assert any(has_room(scenario, seed) for seed in range(5)), scenario


def has_room(scenario: Scenario, seed: int) -> bool:
    try:
        require_possible(scenario, seed)
    except WorldError:
        return False
    return True


def test_the_seed_decides_and_nothing_else():
    first, again, other = (sample(built_in_registry(), MID, 40, seed=s) for s in (7, 7, 8))
    assert first == again
    assert {s.digest for s in first} != {s.digest for s in other}


@pytest.mark.usefixtures("untried")
def test_a_scenario_of_a_mode_says_what_is_asked_of_it():
    scenarios = sample(built_in_registry(), MID, 300, seed=1)
    cliff = next(s for s in scenarios if s.mode == "FM-B01")
    assert (cliff.expected, cliff.params["hazard"]) == ("emergency_stop", "cliff")
    slopes = [s.params["slope_deg"] for s in scenarios if s.mode == "FM-B06"]
    assert all(5.0 <= slope <= 15.0 for slope in slopes)
    things = [s.params["distractors"] for s in scenarios if s.mode == "FM-A07"]
    assert all(isinstance(count, int) and 5 <= count <= 20 for count in things)
    general = [s for s in scenarios if s.mode is None]
    assert {s.params["bricks"] for s in general} == {2, 3, 4}  # mid has 3, varied by 30 %


def test_randomised_scenarios_differ_in_width_and_keep_the_base():
    base = MID.model_copy(update={"randomise": Randomisation(groups=("visual",), width=0.6)})
    scenarios = sample(built_in_registry(), base, 50, seed=0, mix=ONLY_GENERAL)
    drawn = [s.randomise for s in scenarios if s.params == {} and s.randomise]
    assert len(drawn) == 50
    assert all(r.groups == ("visual",) and 0.3 <= r.width <= 0.6 for r in drawn)


@pytest.mark.usefixtures("untried")
def test_modes_come_by_priority_or_by_the_weights_given():
    mix = Mix(general=0, tier_1=1, tier_2=0, tier_3=0)
    prior = Counter(s.mode for s in sample(built_in_registry(), MID, 89, 0, mix))
    tier = built_in_registry().tiers("yard")[1]
    total = sum(mode.sps for mode in tier)
    for mode in tier:
        assert abs(prior[mode.id] - 89 * mode.sps / total) < 1
    told = {"FM-A01": 3.0, "FM-A03": 1.0, "FM-C01": 0.0, "FM-D02": 0.0}
    assert Counter(s.mode for s in sample(built_in_registry(), MID, 40, 0, mix, told)) == {
        "FM-A01": 30,
        "FM-A03": 10,
    }


@pytest.mark.usefixtures("untried")
def test_an_empty_tiers_share_goes_to_the_others():
    registry = Registry(modes=built_in_registry().tiers()[1], general=built_in_registry().general)
    scenarios = sample(registry, MID, 65, seed=0)
    assert Counter(s.mode is None for s in scenarios) == {True: 35, False: 30}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sample(built_in_registry(), MID, 0, 0), "sample: n: found 0"),
        (
            lambda: sample(built_in_registry(), MID, 5, 0, weights={"FM-A01": -1.0}),
            "sample: weights",
        ),
        (
            lambda: sample(Registry(), MID, 5, 0, Mix(general=0, tier_1=1, tier_2=0, tier_3=0)),
            "sample: modes: found 0, expected modes with a recipe for 'yard'",
        ),
        (lambda: sample(Registry(), REACH, 2, 0), "general: found 'no other scenario in 60 draws'"),
        (lambda: sample(reach_registry(), REACH, 9, 0), "no other scenario in 60 draws"),
    ],
)
def test_what_cannot_be_sampled_is_told_and_never_hangs(call, said):
    with pytest.raises(ConfigError) as error:
        call()
    assert said in str(error.value)


def test_a_world_of_ones_own_is_sampled_from_its_recipes():
    registry = reach_registry(draw={"glued_every": [2, 500]}, choose={"max_steps": [20, 30]})
    mix = Mix(general=0, tier_1=1, tier_2=0, tier_3=0)
    scenarios = sample(registry, REACH, 30, 0, mix)
    assert len({s.digest for s in scenarios}) == 30
    assert {s.params["max_steps"] for s in scenarios} == {20, 30}


@pytest.mark.parametrize(
    ("params", "kind", "said"),
    [
        ({"bricks": 50, "room_m": 5.0}, ConfigError, "do not fit in a room"),
        ({"colour": "red"}, ConfigError, "colour: found 'red'"),
    ],
)
def test_an_impossible_base_is_named(params, kind, said):
    base = MID.model_copy(update={"params": params})
    with pytest.raises(kind, match=said):
        sample(built_in_registry(), base, 3, 0, ONLY_GENERAL)


def test_a_scene_without_room_is_surfaced(monkeypatch):
    from loopyard.scenarios import world_params

    def full(scenario, seed):
        raise WorldError("yard: brick 3: found no free place")

    monkeypatch.setitem(world_params._SCENES, "yard", full)
    with pytest.raises(WorldError, match=r"general: yard: brick 3: found no free place \(60 draws"):
        sample(built_in_registry(), MID, 3, 0, ONLY_GENERAL)


def test_shares_that_are_not_a_whole_are_an_error():
    with pytest.raises(ValidationError, match=r"found a sum of 1\.15"):
        Mix(general=0.5)


def test_scenes_are_read_as_they_were_written(tmp_path):
    scenes = [(s, 10 + i) for i, s in enumerate(sample(built_in_registry(), MID, 12, 0))]
    write_scenes(tmp_path / "scenes.jsonl", scenes)
    assert read_scenes(tmp_path / "scenes.jsonl") == scenes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found no scene"),
        ('{"seed": 1}\n', r"line 1: found '\{\"seed\": 1\}', expected"),
        ('{"seed": 1, "scenario": {"world": "yard", "colour": 3}}\n', "line 1: .*colour"),
        ("not json\n", "line 1: found 'not json'"),
    ],
)
def test_a_file_of_scenes_that_is_none_is_named(tmp_path, text, said):
    path = tmp_path / "scenes.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_scenes(path)


def test_scenarios_may_come_again_where_that_is_allowed():
    mix = Mix(general=0, tier_1=1, tier_2=0, tier_3=0)
    scenarios = sample(reach_registry(), REACH, 9, 0, mix, distinct=False)
    assert (len(scenarios), len({s.digest for s in scenarios})) == (9, 1)
