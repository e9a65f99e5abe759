"""A campaign's curriculum: probes among its drives, widths from their records, kept on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.outcome import Outcome
from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.cycle.config import Campaign
from loopyard.cycle.modes import CampaignModes
from loopyard.evaluation.record import RolloutRecord, to_jsonl

SETTINGS = {"start": 0.5, "step": 0.25, "probes": 4, "share": 0.5}


def campaign(**scenarios: Any) -> Campaign:
    mix = {"general": 1.0, "tier_1": 0.0, "tier_2": 0.0, "tier_3": 0.0}
    section = {"curriculum": SETTINGS, "mix": mix, "sampling": "prior", **scenarios}
    return Campaign.model_validate({"world": "yard", "preset": "starter", "scenarios": section})


def drive(modes: CampaignModes, folder: Path, cycle: int, good: set[str], count: int = 40) -> Any:
    """One cycle on paper: a drive succeeds unless it lies at the edge of what is not ``good``."""
    scenarios = modes.learning_scenarios(cycle, count, folder / "scenarios.jsonl")
    records = [
        RolloutRecord(seed, scenario, outcome(pinned(scenario) <= good))
        for seed, scenario in enumerate(scenarios)
    ]
    (folder / "rollouts").mkdir(parents=True)
    (folder / "rollouts/learn.jsonl").write_text(to_jsonl(records[::-1]))
    modes.learn(cycle, folder)
    return scenarios


def randomise(scenario: Scenario) -> Randomisation:
    assert scenario.randomise is not None
    return scenario.randomise


def pinned(scenario: Scenario) -> set[str]:
    return {name for name, (low, high) in randomise(scenario).ranges.items() if low == high}


def outcome(success: bool) -> Outcome:
    return Outcome(success, float(success), 10, 1.0, "success" if success else "timeout")


GROUP = {"groups": ["physical"]}
GOOD = {"floor_friction", "damping", "brick_mass"}


@pytest.fixture(scope="module")
def cycles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cycles")


@pytest.fixture(scope="module")
def learned(cycles: Path) -> CampaignModes:
    modes = CampaignModes(campaign(randomise=GROUP))
    for cycle in (1, 2):
        drive(modes, cycles / f"{cycle:02}", cycle, GOOD, count=60)
    return modes


def test_a_share_of_a_cycles_drives_lies_at_edges_and_the_rest_at_the_present_width(tmp_path):
    modes = CampaignModes(campaign(randomise=GROUP))
    scenarios = modes.learning_scenarios(1, 20, tmp_path / "scenarios.jsonl")
    assert len(scenarios) == 20
    assert [len(pinned(scenario)) for scenario in scenarios] == [1] * 10 + [0] * 10
    assert all(randomise(scenario).groups == ("physical",) for scenario in scenarios)
    assert set(randomise(scenarios[-1]).widths.values()) == {0.5}
    assert len((tmp_path / "scenarios.jsonl").read_text().splitlines()) == 20


def test_widths_follow_the_success_at_their_edge(learned, tmp_path):
    widths = learned.curriculum.state.widths
    assert {name for name, width in widths.items() if width == 1.0} == GOOD
    assert {width for name, width in widths.items() if name not in GOOD} == {0.0}
    scenario = learned.learning_scenarios(3, 4, tmp_path / "scenarios.jsonl")[-1]
    assert randomise(scenario).widths == widths


def test_what_was_learned_stands_in_the_cycles_folder(learned, cycles):
    facts = json.loads((cycles / "02/curriculum.json").read_text())
    rows = {row["name"]: row for row in facts["parameters"]}
    assert facts["cycle"] == 2
    row = rows["floor_friction"]
    assert (row["before"], row["width"], row["range"]) == (0.75, 1.0, [0.2, 0.8])
    assert (row["successes"], row["n"]) == (4, 4)
    assert row["wilson_95"] == [pytest.approx(0.5101, abs=1e-3), 1.0]
    assert (rows["motor_delay_ms"]["successes"], rows["motor_delay_ms"]["range"]) == (0, [0.0, 0.0])


def test_a_campaign_that_goes_on_learns_the_same_again(learned, cycles):
    again = CampaignModes(campaign(randomise=GROUP))
    for cycle in (1, 2):
        again.learn(cycle, cycles / f"{cycle:02}")
    assert again.curriculum is not None
    assert again.curriculum.state == learned.curriculum.state


def test_drives_that_are_missing_wait_for_the_next_cycle(tmp_path):
    modes = CampaignModes(campaign(randomise=GROUP))
    drive(modes, tmp_path / "01", 1, GOOD, count=14)  # one probe of each of seven parameters
    assert modes.curriculum is not None
    assert set(modes.curriculum.state.widths.values()) == {0.5}
    assert modes.curriculum.state.results["damping"] == (True,)


def test_judging_keeps_to_what_the_user_asked_for():
    modes = CampaignModes(campaign(randomise={"width": 0.8}, suite="general"))
    (scenario, _), *_ = modes.judging_scenes(3, "gate")
    assert randomise(scenario) == Randomisation(width=0.8)


def test_without_a_curriculum_nothing_is_written(tmp_path):
    modes = CampaignModes(campaign(curriculum=None))
    (tmp_path / "rollouts").mkdir()
    modes.learn(1, tmp_path)
    assert not (tmp_path / "curriculum.json").exists()


def test_ranges_that_cannot_be_built_are_refused_before_anything_is_driven():
    with pytest.raises(ConfigError, match="found 500"):
        CampaignModes(campaign(randomise={"ranges": {"bricks": [1, 500]}}))


def test_a_world_that_does_not_say_what_it_can_randomise_is_named():
    modes = {"world": "glue_world:GlueWorld", "preset": "", "scenarios": {"curriculum": {}}}
    with pytest.raises(ConfigError, match=r"scenarios.curriculum: world: found 'glue_world"):
        CampaignModes(Campaign.model_validate(modes))
