"""Of several checkpoints the one that drives best goes on, and its drives are the cycle's."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.cycle.choosing import best_driver
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation

N = 4


@pytest.fixture
def drive():
    """Each checkpoint succeeds as often as its name says; what it drove lies in the folder."""
    driven: list[tuple[str, str]] = []

    def drives(checkpoint: Path, out: Path) -> Evaluation:
        driven.append((checkpoint.name, out.name))
        out.mkdir(parents=True, exist_ok=True)
        mine = out / "select.jsonl"
        mine.write_text(checkpoint.name)
        often = int(checkpoint.name[-1])
        records = [
            RolloutRecord(i, Scenario(world="dots"), Outcome(i < often, 0.5, 1, 0.1, "timeout"))
            for i in range(N)
        ]
        return Evaluation(tuple(records), checkpoint.name, "select", 1.0)

    drives.driven = driven  # type: ignore[attr-defined]
    return drives


def test_the_one_that_succeeds_most_often_goes_on(drive, tmp_path: Path):
    several = [Path("last-2"), Path("top-3"), Path("top-1")]
    facts = best_driver(several, drive, tmp_path)
    assert (facts["checkpoint"], facts["successes"], facts["n"]) == ("top-3", 3, N)
    assert [row["successes"] for row in facts["candidates"]] == [2, 3, 1]
    low, high = facts["candidates"][0]["wilson_95"]
    assert low < 0.5 < high
    assert (tmp_path / "rollouts/select.jsonl").read_text() == "top-3"
    assert (tmp_path / "select/last-2/select.jsonl").read_text() == "last-2"


def test_of_equal_ones_the_first_goes_on(drive, tmp_path: Path):
    several = [Path("last-2"), Path("top-2")]
    assert best_driver(several, drive, tmp_path)["checkpoint"] == "last-2"


def test_one_alone_is_driven_once(drive, tmp_path: Path):
    facts = best_driver([Path("last-2")], drive, tmp_path)
    assert facts["checkpoint"] == "last-2"
    assert "candidates" not in facts
    assert drive.driven == [("last-2", "rollouts")]
