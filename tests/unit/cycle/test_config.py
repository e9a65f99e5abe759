"""Campaign files: what they may say, and what wrong ones are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from loopyard.core.errors import ConfigError
from loopyard.cycle.config import Campaign, load_campaign

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))


@pytest.fixture
def write(tmp_path: Path):
    def write_campaign(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_campaign


def complaint(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_campaign(path, list(overrides))
    return str(caught.value)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_our_own_campaigns_load(path):
    campaign = load_campaign(path)
    assert campaign.name == path.stem
    assert campaign.folder == Path("runs") / path.stem


def test_the_file_names_the_campaign_unless_it_says_otherwise(write):
    assert load_campaign(write("seed: 3")).name == "mine"
    assert load_campaign(write("name: other")).folder == Path("runs/other")
    assert load_campaign(write("name: other"), ["name=third"]).name == "third"


def test_an_override_reaches_into_sections(write):
    path = write("generate: {episodes: 5}\ntrain:\n")
    campaign = load_campaign(
        path,
        ["generate.noise.wander=0.3", "train.lr=2e-3", "train_shares=[2, 1]", "dagger.share=null"],
    )
    assert campaign.generate.episodes == 5
    assert campaign.generate.noise is not None
    assert campaign.generate.noise.wander == 0.3
    assert campaign.train == {"lr": "2e-3"}  # YAML 1.1 calls this text; training takes it
    assert [wish.share for wish in campaign.wishes] == [2, 1]
    assert campaign.dagger.share is None


def test_plain_settings_make_the_same_campaign_again(write):
    campaign = load_campaign(write("params: {bricks: 2}\ndagger: {expert_share: [0.5, 0]}"))
    again = yaml.safe_load(yaml.safe_dump(campaign.plain()))
    assert Campaign(**again) == campaign
    assert again == campaign.plain()


@pytest.mark.parametrize(
    ("text", "field", "found"),
    [
        ("bugdet_minutes: 3", "bugdet_minutes", "unknown setting"),
        ("generate: {episoodes: 3}", "generate.episoodes", "unknown setting"),
        ("generate: {noise: {wonder: 3}}", "generate.noise.wonder", "unknown setting"),
        ("train: {lrr: 3}", "train", "lrr"),
        ("train: {lr: fast}", "train", "'fast'"),
        ("train: {augmentation: {shift: 1}}", "train", "augmentation.shift"),
        ("train: {minutes: 3}", "train", "minutes"),
        ("budget_minutes: soon", "budget_minutes", "'soon'"),
        ("budget_minutes: -1", "budget_minutes", "-1"),
        ("generate: many", "generate", "'many'"),
        ("generate: {episodes: 0}", "generate.episodes", "0"),
        ("train_shares: [1, 0]", "train_shares", "(1.0, 0.0)"),
        ("train_shares: []", "train_shares", "()"),
        ("gate: {target: 0.9, floor: 0.95}", "gate", "0.95"),
        ("dagger: {labels: both}", "dagger.labels", "'both'"),
        ("name: ../outside", "name", "'../outside'"),
        ("workers: -2", "workers", "-2"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(write, text, field, found):
    path = write(text)
    said = complaint(path)
    assert said.startswith(f"{path}: {field}")
    assert found in said
    assert "\n" not in said
    assert len(said) < len(str(path)) + 250


def test_every_wrong_setting_is_named(write):
    said = complaint(write("seed: none\ngenerate: {episodes: 0}\nextra: 1"))
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "seed",
        "generate.episodes",
        "extra",
    ]


def test_a_file_that_is_no_campaign_is_named(write, tmp_path):
    assert "no such file" in complaint(tmp_path / "nowhere.yaml")
    assert "not readable as YAML" in complaint(tmp_path)
    assert "not readable as YAML" in complaint(write("a: [1"))
    assert "found list" in complaint(write("- a\n- b"))
    assert "found NoneType" in complaint(write(""))
    broken = tmp_path / "bytes.yaml"
    broken.write_bytes(b"\xff\xfe\x00")
    assert str(broken) in complaint(broken)


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("seed", "expected section.name=value"),
        ("=3", "expected section.name=value"),
        ("seed.deep=3", "'seed' is a value"),
        ("train_shares=[1", "train_shares: found '[1', expected a value in YAML"),
        ("gate.n.x=1", "'gate.n' is a value"),
    ],
)
def test_a_wrong_override_is_named(write, override, reason):
    said = complaint(write("seed: 1\ngate: {n: 5}"), override)
    assert said.startswith("--set: ")
    assert reason in said


def test_settings_are_read_without_torch():
    """Which takes two seconds to import: a wrong path or a typing error is told at once."""
    code = "import sys; import loopyard.cycle.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
