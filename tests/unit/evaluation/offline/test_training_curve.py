"""A journal's stretches and the names of its phases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
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
    falls = [0.7] * 5 + [0.96] * 6 + [1.001, 0.999] * 3 + [1.1] * 4
    losses = [float(loss) for loss in np.cumprod([1.0, *falls])]
    found = curve(journal(tmp_path / "log.jsonl", losses))
    assert found.unit == "epoch"
    assert [part.improvement for part in found.stretches][:2] == [0.0, pytest.approx(0.3)]
    # a stretch beside a change takes part in its neighbour's mean
    assert [name for name, _, _ in found.phases] == [
        "descent",
        "refinement",
        "plateau",
        "divergence",
    ]
    assert [end for _, _, end in found.phases] == [70, 120, 170, 220]


def test_noise_names_no_phases(tmp_path: Path) -> None:
    losses = [1.0 + 0.012 * (-1) ** number for number in range(40)]
    assert curve(journal(tmp_path / "log.jsonl", losses)).phases == [("plateau", 0, 400)]


def test_the_rest_of_an_epoch_belongs_to_the_last(tmp_path: Path) -> None:
    found = curve(journal(tmp_path / "log.jsonl", [1 / n for n in range(1, 14)]), 25)
    assert [part.end for part in found.stretches] == [25, 50, 75, 100, 130]


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
