"""A run folder that was moved: the campaign goes on in its new place, and nothing keeps the old."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loopyard.cycle.engine import run_campaign
from loopyard.cycle.observer import Silence
from loopyard.cycle.state import read_state
from loopyard.cycle.verify import verify_run


def test_a_stopped_campaign_goes_on_where_it_was_moved_to(stage, campaign, tmp_path):
    stage.stop_at = "relabel"
    with pytest.raises(KeyboardInterrupt):
        run_campaign(campaign, Silence())
    before, old = list(stage.calls), campaign.folder
    assert read_state(old).stopped is not None
    moved = campaign.model_copy(update={"runs": tmp_path / "elsewhere", "name": "moved"})
    moved.runs.mkdir()
    shutil.move(old, moved.folder)
    result = run_campaign(moved, Silence())
    assert result["gate"]["verdict"] == "promote"
    assert not {"measure", "generate"} & set(stage.calls[len(before) :])
    assert not old.exists()
    assert (moved.folder / "best").resolve().is_relative_to(moved.folder.resolve())
    assert verify_run(moved.folder).damages == ()
    assert read_state(moved.folder).finished
    told = [path for path in moved.folder.rglob("*.json") if str(old) in path.read_text()]
    assert told == []


def test_a_finished_run_opens_elsewhere_and_is_not_done_again(stage, campaign, tmp_path):
    run_campaign(campaign, Silence())
    archive = shutil.make_archive(str(tmp_path / "run"), "tar", campaign.runs, campaign.name)
    shutil.rmtree(campaign.folder)
    shutil.unpack_archive(archive, tmp_path / "opened", filter="data")
    opened = campaign.model_copy(update={"runs": tmp_path / "opened"})
    assert verify_run(opened.folder).damages == ()
    stage.calls.clear()
    result = run_campaign(opened, Silence())
    assert stage.calls == []
    assert result["best"] == str(opened.folder / "best")
    assert (Path(result["best"]) / "manifest.json").is_file()
