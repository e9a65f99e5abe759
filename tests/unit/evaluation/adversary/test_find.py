"""A whole search with real drives: what it leaves behind, and that it goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from loopyard.core.errors import ConfigError, Interrupted
from loopyard.core.scenario import Scenario
from loopyard.evaluation.adversary.find import find_failures
from loopyard.evaluation.adversary.search import SearchSettings
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.record import read_records
from loopyard.scenarios.registry import open_registry
from loopyard.scenarios.scene_file import read_scenes
from loopyard.scenarios.suites import suite_scenes

BASE = Scenario(world="slope_world:SlopeWorld", params={"a": 0.2, "b": 0.2, "edge": 0.9})
VARY = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
SETTINGS = SearchSettings(rollouts=36, scenes=1, check=6)


def hunt(out: Path, **more):
    more = {"policy": "expert", "base": BASE, "vary": VARY, "settings": SETTINGS, **more}
    return find_failures(out=out, workers=0, traces=False, **more)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def test_what_a_search_leaves_can_be_used(tmp_path):
    mine = tmp_path / "mine.yaml"
    answer = hunt(tmp_path / "hunt", mode_out=mine)
    kept = json.loads((tmp_path / "hunt/search.json").read_text())
    assert kept == answer
    worst, nominal = answer["worst"], answer["nominal"]
    assert (worst["n"], worst["successes"], nominal["successes"]) == (6, 0, 6)
    assert worst["wilson_95"] == pytest.approx([0.0, 0.3903], abs=1e-4)
    assert sum(worst["params"].values()) > 0.9
    counts = answer["boundary"]["cells"]
    assert np.sum(counts["rollouts"]) == 24
    assert np.sum(counts["failures"]) + 6 == answer["failures"]
    line = np.concatenate([np.array(part) for part in answer["boundary"]["half_fail"]])
    assert np.abs(line.sum(axis=1) - 0.9).mean() < 0.15

    scenes = read_scenes(tmp_path / "hunt/scenarios.jsonl")
    assert len(scenes) == answer["failures"]
    assert evaluate("expert", scenes=scenes, workers=0).successes == 0
    records = read_records(tmp_path / "hunt/rollouts.jsonl")
    assert len(records) == answer["rollouts"] == 36
    assert json.loads((tmp_path / "hunt/rollouts.json").read_text())["n"] == 36

    registry = open_registry(modes=[mine])
    drawn = suite_scenes("FM-N01", 8, BASE, registry, "train")
    assert evaluate("expert", scenes=drawn, workers=0).success_rate <= 0.5

    svg = ElementTree.parse(tmp_path / "hunt/boundary.svg").getroot()
    words = " ".join(svg.itertext())
    assert "worst found: 0 of 6 new scenes succeeded" in words
    assert "half failed" in words
    with Image.open(tmp_path / "hunt/boundary.png") as picture:
        assert picture.size[0] > 500


def test_a_search_that_was_stopped_ends_as_one_that_was_not(tmp_path):
    whole = hunt(tmp_path / "whole")
    seen = 0

    def stop(record):
        nonlocal seen
        seen += 1
        if seen == 20:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        hunt(tmp_path / "stopped", on_result=stop)
    begun = len(read_records(tmp_path / "stopped/rollouts.jsonl"))
    assert 0 < begun < 36
    again = hunt(tmp_path / "stopped")
    paths = ("picture", "scenarios")
    assert {k: v for k, v in again.items() if k not in paths} == {
        k: v for k, v in whole.items() if k not in paths
    }
    for name in ("boundary.svg", "boundary.png", "scenarios.jsonl"):
        same = [(tmp_path / run / name).read_bytes() for run in ("whole", "stopped")]
        assert same[0] == same[1], name


def test_nothing_found_leaves_no_scenes_and_no_mode(tmp_path):
    vary = {"a": (0.0, 0.4), "b": (0.0, 0.4)}
    (tmp_path / "scenarios.jsonl").write_text("of an earlier search\n")
    answer = hunt(tmp_path, vary=vary, mode_out=tmp_path / "mine.yaml")
    assert (answer["failures"], answer["failing_box"], answer["mode"]) == (0, None, None)
    assert answer["scenarios"] is None
    assert not (tmp_path / "scenarios.jsonl").exists()
    assert not (tmp_path / "mine.yaml").exists()


def test_a_policy_that_stands_still_fails_everywhere(tmp_path):
    answer = hunt(tmp_path, policy="zero")
    assert answer["failures"] == answer["rollouts"] == 36
    assert answer["boundary"]["half_fail"] == []
    assert (tmp_path / "boundary.svg").exists()


def test_a_mode_file_of_another_kind_is_refused_before_anything_is_driven(tmp_path):
    with pytest.raises(ConfigError, match=r"--mode-out: found .*mine\.txt.*\.yaml"):
        hunt(tmp_path / "hunt", mode_out=tmp_path / "mine.txt")
    assert not (tmp_path / "hunt").exists()


def test_a_mode_cannot_stage_what_is_randomised(tmp_path):
    vary = {"randomise.damping": (0.1, 0.9), "bricks": (1, 2)}
    with pytest.raises(ConfigError, match="not its randomisation"):
        hunt(tmp_path, base=Scenario(world="yard"), vary=vary, mode_out=tmp_path / "mine.yaml")


@pytest.mark.gl
def test_the_yards_expert_runs_out_of_time(tmp_path):
    base = Scenario(world="yard", params={"time_limit_s": 0.3})
    vary = {"bricks": (1, 2), "furniture": (0, 1)}
    answer = hunt(tmp_path, base=base, vary=vary, settings=replace(SETTINGS, rollouts=26, check=1))
    assert answer["failures"] == answer["rollouts"] == 26  # a brick takes seconds
    assert answer["points"] == 4
    assert answer["nominal"]["params"] == {"bricks": 1, "furniture": 0}
