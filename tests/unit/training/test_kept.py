"""Which checkpoints stay: the best by held-out loss, the newest, and what is in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.policies.checkpoint import load_checkpoint
from loopyard.training.journal import read_journal
from loopyard.training.kept import candidates, ranked, remove_whole, thin, top_name
from loopyard.training.loop import train
from loopyard.training.sources import Source
from loopyard.training.state import read_progress


def checkpoint(folder: Path, step: int, val_loss: float | None = None) -> Path:
    folder.mkdir(parents=True)
    facts = {"step": step, "val_loss": val_loss}
    (folder / "training.json").write_text(json.dumps(facts))
    return folder


def names(out: Path) -> set[str]:
    return {path.name for path in out.iterdir() if path.is_dir()}


def test_the_best_are_ranked():
    top = [(0.1, 500), (0.3, 1000)]
    assert ranked(top, 0.2, 1500, 3) == [(0.1, 500), (0.2, 1500), (0.3, 1000)]
    assert ranked(top, 0.2, 1500, 2) == [(0.1, 500), (0.2, 1500)]
    assert ranked(top, 0.3, 1500, 2) is None  # of equal ones the earlier stays
    assert ranked(top, 0.0, 500, 3) is None  # it is there already
    assert ranked([], float("nan"), 5, 3) is None
    assert ranked([], 0.1, 5, 0) is None


def test_what_is_neither_newest_nor_best_nor_in_use_goes(tmp_path):
    for step in (100, 200, 300):
        checkpoint(tmp_path / f"step_000{step}", step)
        checkpoint(tmp_path / top_name(step), step, 0.1)
    (tmp_path / ".step_000050.removed").mkdir()  # a run was killed as it removed this
    checkpoint(tmp_path / "last", 300)
    thin(tmp_path, 1, [(0.1, 200)], in_use=[tmp_path / "step_000100", tmp_path / top_name(300)])
    kept = {"last", "step_000100", "step_000300", "top_000200", "top_000300"}
    assert names(tmp_path) == kept
    thin(tmp_path, 1, [(0.1, 200)])
    assert names(tmp_path) == {"last", "step_000300", "top_000200"}


def test_a_checkpoint_that_is_removed_loses_its_name_first(tmp_path, monkeypatch):
    folder = checkpoint(tmp_path / "step_000100", 100)

    def killed(path, **options):
        if path.exists():
            raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove_whole(folder)
    assert not folder.exists()


def test_rollouts_choose_from_the_last_and_the_best(tmp_path):
    last = checkpoint(tmp_path / "last", 1200, 0.25)
    checkpoint(tmp_path / top_name(1000), 1000, 0.3)
    checkpoint(tmp_path / top_name(500), 500, 0.2)
    checkpoint(tmp_path / top_name(1200), 1200, 0.25)  # the last one's weights
    found = candidates(tmp_path)
    assert found == [last, tmp_path / top_name(500), tmp_path / top_name(1000)]


def test_a_training_keeps_its_best_and_tells_why(config_of, sources, out):
    config = config_of(steps=10, validate_every=2, checkpoint_every=4, lr=3e-3)
    train(config, sources, out)
    rows = {row["step"]: row for row in read_journal(out / "log.jsonl") if "val_loss" in row}
    best = sorted((row["val_loss"], step) for step, row in rows.items())[:3]
    assert names(out) == {
        *("best", "last", "step_000004", "step_000008"),
        *(top_name(step) for _, step in best),
    }
    assert [tuple(one) for one in read_progress(out / "last").top] == best
    assert load_checkpoint(out / top_name(best[0][1])).facts["val_loss"] == best[0][0]
    fewer = config_of(steps=12, validate_every=2, checkpoint_every=4, lr=3e-3, keep_top=1)
    train(fewer, sources, out, resume=True)
    assert len([name for name in names(out) if name.startswith("top_")]) == 1


def test_the_best_of_a_run_that_was_killed_are_those_of_one_that_was_not(
    config_of, sources, tmp_path
):
    config = config_of(steps=12, validate_every=2, checkpoint_every=5, bf16="off", lr=3e-3)

    def killed_at_nine(report) -> None:
        if report.step == 9:
            raise KeyboardInterrupt  # past what `last` holds, and past two validations

    train(config, sources, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(config, sources, tmp_path / "parts", on_step=killed_at_nine)
    train(config, sources, tmp_path / "parts", resume=True)
    found = [read_progress(tmp_path / name / "last").top for name in ("whole", "parts")]
    assert found[0] == found[1]
    assert names(tmp_path / "whole") == names(tmp_path / "parts")


def test_the_journal_tells_held_out_errors_by_channel_and_stratum(config_of, sources, out):
    part = sources.parts[0]
    strata = ((0, {"side": "left"}), (10, {"side": "right"}))
    told = Source(part.training, part.validation, part.facts, strata)
    train(config_of(), type(sources)(sources.spec, [told]), out)
    row = read_journal(out / "log.jsonl")[-1]
    assert {"rmse_action", "loss_action", "rmse_action.steering", "rmse_action.throttle"} <= set(
        row
    )
    left, right = row["rmse_action.side=left"], row["rmse_action.side=right"]
    assert min(left, right) <= row["rmse_action"] <= max(left, right)
    assert row["loss_action"] == pytest.approx(row["val_loss"], rel=1e-3)
