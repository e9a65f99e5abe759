"""Bytes flipped at random in any file of a dataset: an answer, and never more than that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from defects.bases import make_own, world
from hostile import Victim

MEMORY = 1024**3


@pytest.fixture
def small(tmp_path: Path) -> Path:
    root = make_own(tmp_path / "small", world(width=16, height=16), episodes=2)
    shutil.rmtree(root / ".shards")  # what no audit opens
    return root


@pytest.mark.parametrize(
    ("cases", "flips"),
    [(40, 190), pytest.param(2002, 10_000, marks=pytest.mark.slow)],
)
def test_flipped_bytes_give_an_answer(small: Path, victim: Victim, cases: int, flips: int) -> None:
    found = victim(small, "--flips", 0, cases, seconds=600 + 30 * cases)
    assert not [case for case in found if "died" in case], f"after case {len(found) - 2}"
    assert len(found) == cases
    assert sum(case["flips"] for case in found) >= flips
    assert max(case["peak_bytes"] for case in found) < MEMORY
    assert sum(case["verdict"] == "fail" for case in found) > cases / 2
