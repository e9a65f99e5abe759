"""A journal's stretches and the names of its phases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.evaluation.offline.training_curve import TrainingCurve, gap_at, read_curve


def journal(path: Path, losses: list[float], val: dict[int, float] | None = None) -> Path:
    rows = [
        {"step": 10 * number, "loss": loss, **_val(val, number)}
        for number, loss in enumerate(losses, 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _val(val: dict[int, float] | None, number: int) -> dict[str, float]:
    return {"val_loss": val[number]} if val and number in val else {}


def curve(path: Path, steps_an_epoch: float = 10) -> TrainingCurve:
    found = read_curve(path, steps_an_epoch)
    assert found is not None
    return found


def test_phases_follow_the_rule(tmp_path: Path) -> None:
    losses = [1.0, 0.7, 0.5, 0.48, 0.46, 0.459, 0.455, 0.6]
    found = curve(journal(tmp_path / "log.jsonl", losses))
    assert found.unit == "epoch"
    assert [part.improvement for part in found.stretches][:2] == [0.0, pytest.approx(0.3)]
    assert found.phases == [
        ("plateau", 0, 10),
        ("descent", 10, 30),
        ("refinement", 30, 50),
        ("plateau", 50, 70),
        ("divergence", 70, 80),
    ]


def test_a_rising_validation_loss_is_overfitting(tmp_path: Path) -> None:
    losses = [1.0, 0.7, 0.5, 0.4, 0.35]
    val = {1: 1.1, 2: 0.9, 3: 0.8, 4: 0.85, 5: 0.9}
    found = curve(journal(tmp_path / "log.jsonl", losses, val))
    assert found.phases[-1] == ("overfitting", 30, 50)
    assert gap_at(found.rows, 35) == (0.5, 0.8)
    assert gap_at(found.rows, 5) is None


def test_a_short_run_is_cut_into_tenths(tmp_path: Path) -> None:
    found = curve(journal(tmp_path / "log.jsonl", [1 / n for n in range(1, 21)]), 100)
    assert found.unit == "tenth of the run"
    assert [part.end for part in found.stretches] == list(range(20, 201, 20))
    assert curve(tmp_path / "log.jsonl", 0).unit == "tenth of the run"


def test_stretches_without_rows_and_torn_lines_are_left_out(tmp_path: Path) -> None:
    path = journal(tmp_path / "log.jsonl", [1.0, 0.9])
    path.write_text(path.read_text() + '{"step": 30, "lo')
    assert [part.end for part in curve(path).stretches] == [10, 20]
    assert read_curve(tmp_path / "none.jsonl", 10) is None
