"""Which campaign is watched: the same folder and settings that its runner will find."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from loopyard.core.errors import ConfigError
from loopyard.cycle.config import load_campaign
from loopyard.surface.watch.campaign import Watched, watched


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: Path, **settings: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(settings))
    return path


def runs_in(campaign: Watched) -> Path:
    """The run folder that the runner comes to."""
    path, *rest = campaign.words
    return load_campaign(Path(path), rest[1::2]).folder


@pytest.mark.parametrize(
    ("settings", "overrides", "folder"),
    [
        ({"seed": 1}, [], "runs/trial"),
        ({"name": "other"}, [], "runs/other"),
        ({"runs": "elsewhere"}, ["name=third"], "elsewhere/third"),
        ({}, ["gate.n=7", "runs=here"], "here/trial"),
    ],
)
def test_a_configuration_tells_where_its_run_folder_is(settings, overrides, folder):
    campaign = watched(write(Path("configs/trial.yaml"), **settings), overrides)
    assert campaign.folder == Path(folder) == runs_in(campaign)
    assert campaign.name == Path(folder).name
    assert campaign.command[-len(campaign.words) - 1 :] == ["run", *campaign.words]


def test_a_run_folder_may_have_been_moved():
    write(Path("moved/away/campaign.yaml"), name="demo", runs="runs", seed=4)
    campaign = watched(Path("moved/away"))
    assert campaign.folder.resolve() == Path("moved/away").resolve() == runs_in(campaign).resolve()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("- 1", "found list, expected settings"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_what_is_no_campaign_is_named(text, said):
    path = Path("trial.yaml")
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=rf"trial\.yaml: {said}"):
        watched(path)


def test_a_folder_without_a_campaign_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"campaign\.yaml: no such file"):
        watched(tmp_path)
