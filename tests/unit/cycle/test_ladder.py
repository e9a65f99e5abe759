"""A campaign climbs its ladder: what is open is learned from, and what was driven opens more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.cycle.config import Campaign
from loopyard.cycle.ladder import CampaignLadder
from loopyard.cycle.modes import CampaignModes
from loopyard.cycle.scenes import judging_scenes
from loopyard.evaluation.record import RolloutRecord, to_jsonl
from loopyard.scenarios.ladder import Ladder
from loopyard.scenarios.registry import built_in_registry

RUNGS = [{"distance": "close", "light": "day"}, {"light": "day"}, {}]


def campaign(tmp_path: Path, **scenarios) -> Campaign:
    section = {"ladder": {"rungs": RUNGS, "fewest": 4}, "recoveries": 0, **scenarios}
    plain = {"name": "far", "runs": tmp_path, "world": "corridor", "scenarios": section}
    return Campaign.model_validate(plain)


def record(seed: int, *, success: bool, **strata: str) -> RolloutRecord:
    outcome = Outcome(success, float(success), 40, 4.0, "success" if success else "hit_box")
    return RolloutRecord(seed, Scenario(world="corridor"), outcome, drawn={"strata": strata})


def test_scenes_are_of_what_is_open_and_success_opens_more(tmp_path: Path):
    modes = CampaignModes(campaign(tmp_path))
    path, folder = tmp_path / "scenarios.jsonl", tmp_path / "cycles/01"
    first = modes.learning_scenarios(1, 6, path)
    assert [scenario.params for scenario in first] == [RUNGS[0]] * 6
    assert len(path.read_text().splitlines()) == 6
    rollouts = folder / "rollouts"
    rollouts.mkdir(parents=True)
    near = [record(i, success=True, distance="close", light="day") for i in range(4)]
    far = [record(i + 9, success=i < 1, distance="far", light="day") for i in range(4)]
    (rollouts / "select.jsonl").write_text(to_jsonl([*near, *far]))
    modes.learn(1, folder)
    told = json.loads((folder / "ladder.json").read_text())
    assert (told["before"], told["open"]) == (1, 2)
    rows = {index: (row["successes"], row["n"]) for index, row in enumerate(told["rungs"])}
    assert rows == {0: (4, 4), 1: (5, 8), 2: (5, 8)}
    second = modes.learning_scenarios(2, 7, path)
    assert [scenario.params for scenario in second] == [RUNGS[1]] * 4 + [RUNGS[0]] * 3


def test_labelled_drives_count_where_those_on_select_are_too_few(tmp_path: Path):
    labelled = [record(i, success=False, distance="close", light="day") for i in range(8)]
    chosen = [record(i, success=True, distance="close", light="day") for i in range(4)]
    told = campaign(tmp_path)
    for few, open_ in ((chosen, 3), (chosen[:3], 1)):
        ladder = CampaignLadder(told, Ladder(rungs=tuple(RUNGS), fewest=4))
        ladder.learn(2, labelled, few, tmp_path)
        assert ladder.open == open_


def test_what_probes_the_edges_of_a_curriculum_is_on_the_ladder_too(tmp_path: Path):
    wide = campaign(tmp_path, randomise={}, curriculum={})
    drawn = CampaignModes(wide).learning_scenarios(1, 8, tmp_path / "scenarios.jsonl")
    assert [scenario.params for scenario in drawn] == [RUNGS[0]] * 8
    assert len({scenario.digest for scenario in drawn}) > 4


def test_a_campaign_that_goes_on_learns_the_same_again(tmp_path: Path):
    folder = tmp_path / "cycles/01"
    (folder / "rollouts").mkdir(parents=True)
    drives = [record(i, success=True, distance="close", light="day") for i in range(5)]
    (folder / "rollouts/select.jsonl").write_text(to_jsonl(drives))
    for _ in range(2):
        modes = CampaignModes(campaign(tmp_path))
        modes.learn(1, folder)
        assert modes.ladder is not None
        assert modes.ladder.open == 3


def test_a_rung_of_what_the_world_does_not_have_is_refused(tmp_path: Path):
    wrong = Ladder(rungs=({"distance": "near"}, {}))
    with pytest.raises(ConfigError, match=r"scenarios.ladder.rungs.0.distance: found 'near'"):
        CampaignLadder(campaign(tmp_path), wrong)


def test_a_world_without_modes_is_judged_on_general_scenes(tmp_path: Path):
    scenes = judging_scenes(campaign(tmp_path), built_in_registry(), 5, "select")
    assert len(scenes) == 5
    assert {scenario.mode for scenario, _ in scenes} == {None}
