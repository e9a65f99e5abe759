"""The engine over stages that are made up: what is done, what is reused, what is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.core.seeds import split_of
from loopyard.cycle.accounts.usage import read_usage
from loopyard.cycle.config import Campaign
from loopyard.cycle.engine import run_campaign
from loopyard.cycle.observer import Silence
from loopyard.store.events import EventLog

ALL = [
    "measure",
    *("generate", "audit", "train", "select"),
    *("relabel", "audit", "train", "select") * 2,
    "gate",
]


def test_the_stages_come_in_order_and_the_result_is_written(stage, campaign):
    result = run_campaign(campaign, Silence())
    assert stage.calls == ALL
    assert json.loads((campaign.folder / "result.json").read_text()) == result
    assert result["world"] == "reach_world:ReachWorld"
    assert result["machine"]["cores"] >= 1
    assert result["wall_s"] >= 0
    assert result["report"] == str(campaign.folder / "report/index.html")
    assert result["best"] == str(campaign.folder / "best")
    assert result["videos"] == [str(campaign.folder / "cycles/02/rollouts/videos/a.mp4")]
    assert [row["cycle"] for row in result["cycles"]] == [1, 2, 3]
    row = result["cycles"][0]
    assert row.keys() >= {
        *("cycle", "episodes", "frames", "generate_s", "train_s", "rollout_s", "final_loss"),
        "select",
    }
    assert row["episodes"] == 40
    assert row["frames"] == 4000
    assert row["final_loss"] == 0.1
    assert row["select"].keys() == {"n", "successes", "rate", "wilson_95"}
    assert row["select"]["successes"] == 5
    gate = result["gate"]
    assert gate["seeds"] == [900_000, 900_039]
    assert (gate["n"], gate["successes"], gate["rate"]) == (40, 40, 1.0)
    assert gate["verdict"] == "promote"
    assert gate["wilson_95"][0] > 0.8


def test_each_cycle_is_reviewed_and_the_machine_sampled(stage, campaign):
    run_campaign(campaign, Silence())
    for cycle in (1, 2, 3):
        found = json.loads((campaign.folder / f"cycles/{cycle:02}/review.json").read_text())
        assert found["cycle"] == cycle
        assert {"train", "select"} <= {row["stage"] for row in found["stages"]}
    assert read_usage(campaign.folder / "usage.jsonl") or not Path("/proc/stat").exists()


def test_the_best_on_select_is_judged_and_becomes_best_when_promoted(stage, campaign):
    run_campaign(campaign, Silence())
    policy, seeds, options = stage.said["gate"][0]
    assert policy == str(campaign.folder / "cycles/02/checkpoints/last")
    assert {split_of(seed) for seed in seeds} == {"gate"}
    assert options["videos"] == 6
    best = campaign.folder / "best"
    assert os.readlink(best) == "cycles/02/checkpoints/last"
    assert best.is_dir()


def test_of_equals_the_latest_is_judged(stage, campaign):
    stage.successes = [0.9, 0.9, 0.5, 1.0]
    run_campaign(campaign, Silence())
    assert "cycles/02/" in stage.said["gate"][0][0]


@pytest.mark.parametrize(("share", "verdict"), [(0.1, "reject"), (0.85, "inconclusive")])
def test_what_is_not_promoted_does_not_become_best(stage, campaign, share, verdict):
    stage.successes[-1] = share
    result = run_campaign(campaign, Silence())
    assert result["gate"]["verdict"] == verdict
    assert result["best"] is None
    assert not os.path.lexists(campaign.folder / "best")


def test_run_again_nothing_is_done_and_the_same_is_written(stage, campaign):
    first = run_campaign(campaign, Silence())
    stage.calls.clear()
    second = run_campaign(campaign, Silence())
    assert stage.calls == []
    assert {**second, "wall_s": 0} == {**first, "wall_s": 0}


@pytest.mark.parametrize("at", sorted(set(ALL)))
def test_stopped_in_any_stage_the_rest_is_done_and_no_more(stage, campaign, at, tmp_path):
    stage.stop_at = at
    with pytest.raises(KeyboardInterrupt):
        run_campaign(campaign, Silence())
    stopped_at = len(stage.calls)
    with EventLog(campaign.folder / "events.sqlite") as log:
        assert len(log.events("stopped")) == 1
    result = run_campaign(campaign, Silence())
    assert stage.calls[stopped_at:] == ALL[stopped_at - 1 :]
    assert result["gate"]["verdict"] == "promote"


def test_an_unfinished_campaign_has_a_result_of_what_is_there(stage, campaign):
    stage.stop_at = "relabel"
    with pytest.raises(KeyboardInterrupt):
        run_campaign(campaign, Silence())
    result = json.loads((campaign.folder / "result.json").read_text())
    assert [row["cycle"] for row in result["cycles"]] == [1]
    assert result["gate"] is None
    assert result["best"] is None


def test_cycles_pass_on_what_they_should(stage, campaign):
    run_campaign(campaign, Silence())
    folder = campaign.folder
    clone, second, third = stage.said["train"]
    assert clone[0].init_from is None
    assert clone[0].shares is None
    assert second[0].init_from == folder / "cycles/01/checkpoints/last"
    assert second[0].shares == pytest.approx((0.4, 0.6))
    assert third[0].init_from == folder / "cycles/02/checkpoints/last"
    assert third[0].shares == pytest.approx((0.4, 0.3, 0.3))
    assert third[1] == [folder / f"cycles/0{cycle}/dataset" for cycle in (1, 2, 3)]
    assert {(call[0].seed, call[0].n_action_steps, call[3]) for call in stage.said["train"]} == {
        (3, 2, True)
    }
    (first, scenes), (later, more_scenes) = stage.said["relabel"]
    seeds, more_seeds = ([seed for _, seed in part] for part in (scenes, more_scenes))
    assert all(scenario == campaign.scenario for scenario, _ in scenes + more_scenes)
    assert first.policy == str(folder / "cycles/01/checkpoints/last")
    assert (first.expert_share, later.expert_share) == (0.5, 0.25)
    assert not set(seeds) & set(more_seeds)
    assert {split_of(seed) for seed in (*seeds, *more_seeds)} == {"train"}
    assert {split_of(seed) for _, seeds, _ in stage.said["select"] for seed in seeds} == {"select"}


def test_the_folder_of_other_settings_is_not_touched(stage, campaign):
    run_campaign(campaign, Silence())
    before = (campaign.folder / "campaign.yaml").read_text()
    other = campaign.model_copy(update={"budget_minutes": 20.0})
    with pytest.raises(ConfigError, match=r"trial: budget_minutes: found 10.0 of an earlier"):
        run_campaign(other, Silence())
    assert (campaign.folder / "campaign.yaml").read_text() == before


def test_settings_are_kept_defaults_included(stage, campaign):
    run_campaign(campaign, Silence())
    kept = yaml.safe_load((campaign.folder / "campaign.yaml").read_text())
    assert Campaign.model_validate(kept) == campaign
    assert kept["generate"]["noise"]["wander"] == 0.2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"world": "reach_world:NoWorld"}, "has no class 'NoWorld'"),
        ({"world": "yard", "preset": "strater"}, "preset: found 'strater'"),
        ({"world": "yard", "preset": "starter", "params": {"brick": 2}}, "brick"),
        ({"expert": "reach_world:NoExpert"}, "has no class 'NoExpert'"),
        ({"train": {"policy": "act-nona"}}, "act-nona"),
        ({"train": {"policy_options": {"widhts": [1, 2, 3]}}}, "widhts"),
        ({"n_action_steps": 11}, "n_action_steps"),
    ],
)
def test_what_cannot_run_here_is_found_before_a_folder_is_made(stage, campaign, wrong, message):
    """Else the mended campaign would find a folder of other settings in its way."""
    with pytest.raises(ConfigError, match=message):
        run_campaign(campaign.model_copy(update=wrong), Silence())
    assert not campaign.folder.exists()
    assert stage.calls == []


def test_a_failed_audit_ends_it_before_training(stage, campaign):
    stage.verdict = "fail"
    with pytest.raises(DatasetError, match=r"01/dataset: audit failed: idle: found 95 %"):
        run_campaign(campaign, Silence())
    assert "train" not in stage.calls
    report = json.loads((campaign.folder / "cycles/01/audit.json").read_text())
    assert report["verdict"] == "fail"
