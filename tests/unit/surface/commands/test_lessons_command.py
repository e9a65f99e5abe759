"""loopyard lessons: what it says, and what wrong use is told."""

from __future__ import annotations

import json

import pytest

from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.learn import learn_lessons
from loopyard.surface.cli import main


@pytest.fixture
def run(tmp_path):
    """Two cycles with an idle bucket, then one in which it is not."""
    campaign = Campaign.model_validate(
        {"name": "trial", "runs": tmp_path, "scenarios": {}, "train_shares": [1, 1, 1, 1]}
    )
    folder = campaign.folder
    folder.mkdir()
    (folder / "campaign.yaml").write_text("name: trial\n")
    for cycle, percent in ((1, 90), (2, 85), (3, 60)):
        checks = [{"name": "zero: bucket", "found": f"{percent}.0% of frames"}]
        (folder / f"cycles/{cycle:02d}").mkdir(parents=True)
        (folder / f"cycles/{cycle:02d}/audit.json").write_text(json.dumps({"checks": checks}))
        _, campaign = learn_lessons(folder, cycle, campaign)
    return folder


def test_a_table_of_all_lessons(run, capsys):
    assert main(["lessons", str(run)]) == 0
    said = capsys.readouterr().out
    assert "idle_channel: bucket" in said
    assert "0.9 -> 0.85 -> 0.6" in said
    assert "retired: scenarios.weights.scoop: 1 -> 2" in said


def test_the_page_of_a_cycle(run, capsys):
    assert main(["lessons", str(run), "--cycle", "2"]) == 0
    assert capsys.readouterr().out == (run / "cycles/02/lessons.md").read_text()


def test_json_has_every_lesson(run, capsys):
    assert main(["lessons", str(run), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["cycle"] == 3
    (lesson,) = answer["lessons"]
    assert lesson["name"] == "idle_channel: bucket"
    assert lesson["state"] == "retired"
    assert lesson["figures"] == [[1, 0.9], [2, 0.85], [3, 0.6]]


def test_a_run_that_has_learned_nothing_yet(tmp_path, capsys):
    (tmp_path / "campaign.yaml").write_text("name: trial\n")
    assert main(["lessons", str(tmp_path)]) == 0
    assert "no cycle is finished yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere"], "nowhere: run: found 'no campaign.yaml', expected a run folder"),
        ([".", "--cycle", "7"], "--cycle: found 7, expected one of [1, 2, 3]"),
    ],
)
def test_wrong_use_is_named(run, args, message, monkeypatch, capsys):
    monkeypatch.chdir(run)
    assert main(["lessons", *args]) == 2
    assert message in capsys.readouterr().err
