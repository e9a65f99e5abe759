"""The report's table of lessons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.learn import learn_lessons
from loopyard.surface.report.build import report
from loopyard.surface.report.lessons_section import lessons
from loopyard.surface.report.run_folder import read_run_folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two cycles: in the first the lift is nearly always zero."""
    campaign = Campaign.model_validate(
        {"name": "trial", "runs": tmp_path, "scenarios": {}, "train_shares": [1, 1, 1]}
    )
    folder = campaign.folder
    for cycle, percent in ((1, 90), (2, 60)):
        checks = [{"name": "zero: lift", "found": f"{percent}.0% of frames"}]
        (folder / f"cycles/{cycle:02d}").mkdir(parents=True)
        (folder / f"cycles/{cycle:02d}/audit.json").write_text(json.dumps({"checks": checks}))
        _, campaign = learn_lessons(folder, cycle, campaign)
    (folder / "campaign.yaml").write_text("name: trial\n")
    return folder


def test_a_lesson_stands_with_the_course_of_its_figure(run):
    (row,) = lessons(read_run_folder(run))
    assert row["name"] == "idle_channel: lift"
    assert row["came"] == "1"
    assert row["figure"] == "share of frames with lift zero: 0.9 -> 0.6 (cycles 1 -> 2)"
    assert row["became"].startswith("retired: scenarios.weights.scoop: 1 -> 2")


def test_the_page_shows_it(run):
    page = report(run).read_text()
    assert "<h2>Lessons</h2>" in page
    assert "idle_channel: lift" in page


def test_what_cannot_be_read_is_noted(run):
    (run / "cycles/02/lessons.json").write_text("[]")
    found = read_run_folder(run)
    assert lessons(found) == []
    assert "lessons.json" in found.notes[-1]
