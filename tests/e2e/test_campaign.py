"""`loopyard run`, from nothing to a verdict, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

STEPS = [
    *("measure", "plan"),
    *(f"cycle-1/{step}" for step in ("expert", "audit", "train", "select", "lessons")),
    "plan-2",
    *(f"cycle-2/{step}" for step in ("relabel", "audit", "train", "select", "lessons")),
]
"""All but the gate, which is named after the cycle that drove best."""


@pytest.fixture(scope="module")
def shell(new_shell, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return new_shell(tmp_path_factory.mktemp("campaign"))


@pytest.fixture(scope="module")
def result(shell) -> dict[str, Any]:
    """The answer of the one campaign that these tests look at."""
    return shell.answer("run", shell.campaign())


def test_the_answer_is_the_result_file(shell, result):
    assert result == json.loads((shell.folder / "runs/trial/result.json").read_text())
    assert result["world"] == "reach_world:ReachWorld"
    assert result["wall_s"] > 0
    assert result["machine"]["cores"] >= 1
    assert [row["cycle"] for row in result["cycles"]] == [1, 2]
    for row in result["cycles"]:
        assert row["episodes"] >= 10
        assert row["frames"] > row["episodes"]
        assert min(row["generate_s"], row["train_s"], row["rollout_s"], row["final_loss"]) > 0
        low, high = row["select"]["wilson_95"]
        assert 0 <= low <= row["select"]["rate"] <= high <= 1
        assert row["select"]["n"] == 4
    gate = result["gate"]
    assert gate["seeds"] == [900_000, 900_005]
    assert gate["n"] == 6
    assert gate["rate"] == gate["successes"] / 6


def test_the_policy_that_was_promoted_is_the_best(shell, result):
    assert result["gate"]["verdict"] == "promote"
    assert result["best"] == "runs/trial/best"
    best = (shell.folder / result["best"]).resolve()
    assert best.name == "last"
    assert (best / "model.safetensors").is_file()


def test_the_report_and_the_films_are_where_the_result_says(shell, result):
    page = (shell.folder / result["report"]).read_text()
    assert "Promoted" in page
    assert len(result["videos"]) == 2
    for video in result["videos"]:
        assert (shell.folder / video).stat().st_size > 1000


def test_the_run_folder_is_as_documented(shell, result):
    run = shell.folder / "runs/trial"
    for name in ("campaign.yaml", "measure.json", "plan.json", "events.sqlite", "result.json"):
        assert (run / name).is_file()
    for cycle in ("01", "02"):
        folder = run / "cycles" / cycle
        for name in (
            *("generate.json", "audit.json", "cycle.json", "dataset/meta/info.json"),
            *("checkpoints/last/model.safetensors", "checkpoints/best/model.safetensors"),
            *("checkpoints/log.jsonl", "checkpoints/loss.svg"),
            *("rollouts/select.jsonl", "rollouts/select.json"),
        ):
            assert (folder / name).is_file(), name
    assert not [path for path in run.rglob("*staging*") if path.is_file()]
    *steps, gate = shell.finished(run)
    assert steps == STEPS
    assert gate in ("gate-1", "gate-2")


def test_run_again_nothing_is_done_twice(shell, result):
    run = shell.folder / "runs/trial"
    kept = {path: path.stat().st_mtime_ns for path in run.rglob("*") if is_product(path)}
    again = shell.answer("run", shell.campaign())
    assert shell.finished(run)[:-1] == STEPS
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert {**again, "wall_s": 0} == {**result, "wall_s": 0}


def is_product(path: Path) -> bool:
    """What took time to make."""
    return (
        path.suffix in (".parquet", ".safetensors", ".jsonl", ".mp4")
        and path.name != "usage.jsonl"
        and "report" not in path.parts
    )


def test_other_settings_under_the_same_name_are_refused(shell, result):
    done = shell.run("run", shell.campaign(), "--set", "gate.n=7")
    assert done.returncode == 2
    assert done.stderr.startswith("error: runs/trial: gate: found ")
    assert "--set name=" in done.stderr


def test_the_policy_can_be_judged_again_by_its_path(shell, result):
    answer = shell.answer(
        *("evaluate", "--policy", result["best"], "--world", "reach_world:ReachWorld"),
        *("--preset", "", "--n", "6", "--suite", "gate", "--target", "0.5", "--floor", "0.1"),
    )
    assert answer["rate"] == result["gate"]["rate"]
    assert answer["verdict"] == "promote"
