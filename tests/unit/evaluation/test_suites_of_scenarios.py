"""evaluate() on scenes of many scenarios: each as it is, counted by mode, never mixed up."""

from __future__ import annotations

import json

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.by_mode import mode_result, results_by_mode
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.record import read_records

WORLD = "modes_world:ModesWorld"
GENERAL = Scenario(world=WORLD)
GLUED = Scenario(world=WORLD, mode="FM-C07", params={"glued_every": 1})
SHORT = Scenario(world=WORLD, mode="FM-D02", params={"max_steps": 1})
GLASS = Scenario(world=WORLD, mode="FM-B05", params={"hazard": "glass"})
SEEDS = range(900_000, 900_004)
SCENES = [(scenario, seed) for seed in SEEDS for scenario in (GENERAL, GLUED, SHORT, GLASS)]


def test_every_scene_is_driven_as_its_own_scenario_says():
    result = evaluate("expert", scenes=SCENES, workers=0)
    assert [(r.scenario, r.seed) for r in result.records] == SCENES
    assert {mode: (r.n, r.successes) for mode, r in result.by_mode.items()} == {
        "general": (4, 4),
        "FM-C07": (4, 0),
        "FM-D02": (4, 0),
        "FM-B05": (4, 4),
    }
    assert {r.outcome.steps for r in result.records if r.scenario == SHORT} == {1}
    assert (len(result.by_scene), len(result.by_seed)) == (16, 4)


def test_violations_are_counted_apart_from_success():
    summary = evaluate("expert", scenes=SCENES, workers=0).summary()
    glass = summary["modes"]["FM-B05"]
    assert (glass["successes"], glass["violations"]) == (4, 4)
    assert glass["events"]["glass_contact"] >= 4
    assert glass["wilson_95"] == pytest.approx([0.5101, 1.0], abs=1e-4)
    assert summary["violations"] == {"drives": 4, "events": glass["events"]}
    assert summary["contacts"] == {}  # a violation's name may end like a contact's
    assert (summary["scenarios"], summary["params"]) == (4, None)


def test_a_suite_without_modes_has_no_table_of_them():
    summary = evaluate("expert", WORLD, seeds=SEEDS, workers=0).summary()
    assert (summary["modes"], summary["scenarios"], summary["params"]) == ({}, 1, {})


class InOneProcess:
    workers = 0

    def __init__(self):
        self.handlers = []

    def map(self, make_handler, jobs):
        self.handlers.append(make_handler())
        for block in jobs:
            yield self.handlers[-1](block)


def test_equal_scenarios_are_driven_side_by_side():
    executor = InOneProcess()
    evaluate("expert", scenes=SCENES, executor=executor)
    (world,) = executor.handlers[0]._worlds
    assert world.adopted == [s.digest for s in (GENERAL, GLUED, SHORT, GLASS)]


def test_lockstep_gives_each_drive_its_own_scenario():
    together = evaluate("random", scenes=SCENES, workers=0, lockstep=5)
    alone = evaluate("random", scenes=SCENES, workers=0, lockstep=1)
    for one, other in zip(together.records, alone.records, strict=True):
        assert (one.scenario, one.seed) == (other.scenario, other.seed)
        assert "violation_glass_contact" in one.outcome.counts or one.scenario != GLASS


def test_what_was_driven_is_known_by_scenario_and_seed(tmp_path):
    evaluate("expert", scenes=SCENES[:6], out=tmp_path, suite="all-modes", workers=0)
    seen = []
    result = evaluate(
        "expert", scenes=SCENES, out=tmp_path, suite="all-modes", workers=0, on_result=seen.append
    )
    assert (result.n, result.reused, len(seen)) == (16, 6, 16)
    assert len(read_records(tmp_path / "all-modes.jsonl")) == 16
    assert len(list((tmp_path / "actions").rglob("*.npy"))) == 16
    assert json.loads((tmp_path / "all-modes.json").read_text())["modes"]["general"]["n"] == 4


def test_films_of_equal_seeds_are_told_apart(tmp_path):
    scenes = [(GENERAL, SEEDS[0]), (GLASS, SEEDS[0])]
    result = evaluate("expert", scenes=scenes, out=tmp_path, suite="two", workers=0, videos=2)
    videos = [record.video for record in result.records]
    assert len(set(videos)) == 2
    assert "FM-B05" in str(videos[1])


@pytest.mark.parametrize("scenes", [[], [(GENERAL, 1), (GENERAL, 1)]])
def test_no_scene_or_the_same_twice_is_an_error(scenes):
    with pytest.raises(ConfigError, match=r"scenes, \d different"):
        evaluate("expert", scenes=scenes)


def test_the_same_seed_of_two_scenarios_is_two_scenes():
    assert evaluate("zero", scenes=[(GENERAL, 1), (GLUED, 1)], workers=0).n == 2


def test_the_expert_may_be_named_and_its_code_names_its_drives(tmp_path):
    own = evaluate("expert", WORLD, seeds=SEEDS, workers=0)
    lost = evaluate("expert", WORLD, seeds=SEEDS, workers=0, expert="reach_world:LostExpert")
    assert (own.successes, lost.successes) == (4, 0)
    assert own.policy != lost.policy


@pytest.mark.parametrize(
    ("policy", "expert", "said"),
    [
        ("expert", "nowhere:Expert", "cannot find the module 'nowhere'"),
        ("zero", "reach_world:LostExpert", "expert: found 'reach_world:LostExpert', expected none"),
    ],
)
def test_an_expert_that_is_not_there_or_not_wanted(policy, expert, said):
    with pytest.raises(ConfigError, match=said):
        evaluate(policy, WORLD, seeds=SEEDS, workers=0, expert=expert)


@pytest.mark.gl
def test_the_yards_expert_drives_as_a_policy():
    result = evaluate("expert", "yard", "starter", range(900_000, 900_001), workers=0)
    assert result.successes == 1


def outcome(success: bool, **counts: int) -> Outcome:
    return Outcome(success, float(success), 10, 1.0, "x", counts)


def test_results_by_mode():
    drives = [
        ("FM-B04", outcome(True, violation_child_near=3, box_contact=1)),
        ("FM-B04", outcome(False, violation_child_near=2, violation_fall=1)),
        ("FM-B04", outcome(True)),
        (None, outcome(True)),
    ]
    results = results_by_mode(drives)
    assert list(results) == ["FM-B04", "general"]
    child = results["FM-B04"]
    assert (child.n, child.successes, child.failures, child.violations) == (3, 2, 1, 2)
    assert child.events == {"child_near": 5, "fall": 1}
    assert type(child).from_dict(child.to_dict()) == child
    assert (mode_result([]).rate, mode_result([]).wilson_95) == (None, (0.0, 1.0))
