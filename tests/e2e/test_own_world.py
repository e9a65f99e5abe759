"""The world that docs/bring-your-own-world.md shows goes through the real commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
WORLD = DOCS / "examples/dot_world.py"

pytestmark = pytest.mark.e2e


def test_the_page_shows_the_file_that_is_tested():
    shown = (DOCS / "bring-your-own-world.md").read_text()
    assert f"```python\n{WORLD.read_text()}```" in shown


def test_a_world_and_its_expert_take_less_than_forty_lines():
    assert len(WORLD.read_text().splitlines()) < 40


def test_it_generates_trains_and_drives(shell):
    shutil.copy(WORLD, shell.folder)
    made = shell.answer(
        "generate",
        "--world",
        "dot_world:DotWorld",
        "--episodes",
        "60",
        "--out",
        "dots",
        "--workers",
        "1",
    )
    assert made["episodes"] == 60
    trained = shell.answer(
        "train", "--dataset", "dots", "--steps", "500", "--out", "policy", "--threads", "1"
    )
    assert trained["steps"] == 500
    judged = shell.answer(
        "evaluate",
        "--policy",
        "policy",
        "--world",
        "dot_world:DotWorld",
        "--n",
        "20",
        "--suite",
        "select",
        "--workers",
        "1",
    )
    # 60 episodes and some seconds: enough to do far better than chance, which is about 1 in 20.
    assert judged["successes"] >= 10
