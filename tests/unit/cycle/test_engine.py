"""The engine over stages that are made up: what is done, what is reused, what is written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.core.outcome import Outcome
from loopyard.core.seeds import split_of
from loopyard.cycle import engine, gather, stages
from loopyard.cycle.config import Campaign
from loopyard.cycle.engine import run_campaign
from loopyard.cycle.observer import Silence
from loopyard.data.audit import AuditReport, Check
from loopyard.evaluation import judging
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation
from loopyard.store.events import EventLog
from loopyard.training.loop import TrainResult

Facts = dict[str, Any]


@dataclass
class Made:
    """What generate and relabel give."""

    episodes: int

    def facts(self) -> Facts:
        return {"episodes": self.episodes, "frames": 100 * self.episodes, "failed": 1}


@dataclass
class Stage:
    """All stages, made up. successes: of each evaluation in turn, as a share."""

    successes: list[float] = field(default_factory=lambda: [0.5, 0.9, 0.8, 1.0])
    calls: list[str] = field(default_factory=list)
    said: dict[str, list[Any]] = field(default_factory=dict)
    stop_at: str = ""
    verdict: str = "pass"

    def note(self, name: str, what: Any) -> None:
        self.calls.append(name)
        self.said.setdefault(name, []).append(what)
        if name == self.stop_at:
            self.stop_at = ""
            raise KeyboardInterrupt

    def generate(self, plan, episodes, executor, on_episode=None, deadline_s=None):
        self.note("generate", (plan, episodes))
        return Made(episodes)

    def relabel(self, plan, scenes, executor, on_episode=None, out=None, deadline_s=None):
        self.note("relabel", (plan, scenes))
        return Made(len(scenes))

    def audit(self, path):
        self.note("audit", path)
        return AuditReport(str(path), [Check("idle", self.verdict, "95 %", "at most 90 %")])  # type: ignore[arg-type]

    def train(self, config, datasets, out, *, resume=False, on_step=None, deadline_s=None):
        self.note("train", (config, list(datasets), out, resume))
        (out / "last").mkdir(parents=True)
        return TrainResult(0.1, 0.2, 1000, 500.0, 60.0, out / "best", out / "last")

    def evaluate(self, policy, *, scenes, suite, **options):
        seeds = [seed for _, seed in scenes]
        self.note(suite, (policy, seeds, options))
        share = self.successes.pop(0)
        records = [
            RolloutRecord(seed, scenario, outcome(at < share * len(seeds)))
            for at, (scenario, seed) in enumerate(scenes)
        ]
        films = [
            record.with_video("videos/a.mp4") if at == 0 and suite == "gate" else record
            for at, record in enumerate(records)
        ]
        return Evaluation(tuple(films), "p", suite, 3.0)


def outcome(success: bool) -> Outcome:
    return Outcome(success, float(success), 50, 5.0, "success" if success else "timeout")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, measured) -> Stage:
    made_up = Stage()
    monkeypatch.setattr(
        engine, "measure", lambda campaign, note: made_up.note("measure", 0) or measured
    )
    monkeypatch.setattr(judging, "evaluate", made_up.evaluate)
    for module, names in (
        (gather, ("generate", "relabel", "audit")),
        (stages, ("train", "evaluate")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, getattr(made_up, name))
    monkeypatch.setattr(gather, "_chunk_size", lambda checkpoint: 10)
    return made_up


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign.model_validate(
        {
            "name": "trial",
            "runs": tmp_path / "runs",
            "world": "reach_world:ReachWorld",
            "preset": "",
            "seed": 3,
            "budget_minutes": 10,
            "train_shares": [1, 1, 1],
            "n_action_steps": 2,
            "workers": 1,
            "generate": {"episodes": 40},
            "dagger": {"rollouts": 20, "share": 0.6, "expert_share": [0.5, 0.25]},
            "select": {"n": 10},
            "gate": {"n": 40, "target": 0.9, "floor": 0.8},
        }
    )


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
