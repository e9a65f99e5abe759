"""Training on real dataset folders: audited, split, scaled the same way on both paths."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from recorded import SPEC, record

from loopyard.core.errors import DatasetError
from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.dataset import open_dataset
from loopyard.policies.checkpoint import load_checkpoint
from loopyard.surface.cli import main
from loopyard.surface.commands.train import Options, train_config
from loopyard.training.batches import BatchMaker
from loopyard.training.loop import train
from loopyard.training.setup import prepare
from loopyard.training.sources import open_sources

SIZES = {"policy_options": {"widths": [4, 4, 4], "vision": 8, "state": 8, "hidden": 8}}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("toy") / "data")


def test_whole_episodes_are_held_out_and_recorded(config_of, toy):
    sources = open_sources(config_of(validation_share=0.25), [toy], None, lambda spec: (48, 64))
    facts = sources.parts[0].facts
    assert len(facts["train_episodes"]) == 3
    assert len(facts["validation_episodes"]) == 1
    assert facts["audit"] in ("pass", "warn")
    assert not facts["audit_overridden"]
    assert facts["digest"] == open_dataset(toy).digest
    training, validation = sources.parts[0].training, sources.parts[0].validation
    assert validation is not None
    assert not set(training.usable) & set(validation.usable)


@pytest.mark.parametrize("size", [(48, 64), (24, 40)])
def test_deployed_path_gives_what_training_saw(config_of, toy, size):
    setup = prepare(config_of(image_size=size, **SIZES), [toy], None)
    maker = setup.training_batches()
    frames = setup.sources.parts[0].training.usable[:5]
    batch = maker.plain(0, frames)
    recorded = open_dataset(toy)
    episode = recorded.episodes[setup.sources.parts[0].facts["train_episodes"][0]]
    decoded = recorded.decode("ego", episode.index)
    for row, frame in enumerate(frames):
        image = torch.from_numpy(decoded[frame - episode.from_index][None])
        assert torch.equal(setup.processing.images("ego", image)[0], batch.images[0][row])


def test_statistics_are_those_of_the_training_split(config_of, toy):
    setup = prepare(config_of(validation_share=0.25, **SIZES), [toy], None)
    usable = setup.sources.parts[0].training.usable
    state = open_dataset(toy).column("observation.state")
    mean = setup.processing.statistics["observation.state"]["mean"]
    assert np.allclose(mean, state[usable].mean(0), atol=1e-6)
    assert not np.allclose(mean, state.mean(0), atol=1e-4)


def test_a_failed_dataset_is_refused_unless_told(config_of, tmp_path):
    root = record(tmp_path / "data")
    info = root / "meta" / "info.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {"total_frames": 81}))
    with pytest.raises(DatasetError, match=r"allow-failed-audit|info\.json"):
        train(config_of(**SIZES), [root], tmp_path / "out")


def test_an_overridden_audit_stands_in_the_checkpoint(config_of, toy, tmp_path, monkeypatch):
    from loopyard.data import audit as floor
    from loopyard.data.audit import AuditReport, Check

    report = AuditReport(
        str(toy), [Check("action shares", "fail", "0.9", "at most 0.7", "steering")]
    )
    monkeypatch.setattr(floor, "remembered_audit", lambda path: report)
    with pytest.raises(DatasetError, match=r"action shares: found 0\.9"):
        train(config_of(**SIZES), [toy], tmp_path / "a")
    result = train(config_of(allow_failed_audit=True, **SIZES), [toy], tmp_path / "b")
    dataset = load_checkpoint(result.best).facts["datasets"][0]
    assert dataset["audit"] == "fail"
    assert dataset["audit_overridden"] is True


def test_datasets_must_mean_the_same(config_of, toy, tmp_path):
    other = WorldSpec(**{**SPEC.__dict__, "action": VectorSpec((Channel("steering"),))})
    second = record(tmp_path / "other", other)
    with pytest.raises(DatasetError, match=r"other: action: found \['steering'\]"):
        open_sources(config_of(), [toy, second], None, lambda spec: (48, 64))


def test_two_datasets_share_a_batch(config_of, toy, tmp_path):
    second = record(tmp_path / "second")
    setup = prepare(config_of(shares=(0.25, 0.75), **SIZES), [toy, second], None)
    assert [len(rows) for rows in setup.plan.rows(0)] == [8, 24]
    assert isinstance(setup.training_batches(), BatchMaker)


def test_no_dataset(config_of, tmp_path):
    with pytest.raises(DatasetError, match="none"):
        open_sources(config_of(), [], None, lambda spec: (48, 64))
    with pytest.raises(DatasetError, match="nowhere"):
        open_sources(config_of(), [tmp_path / "nowhere"], None, lambda spec: (48, 64))


def test_options_become_settings():
    config = train_config(
        Options(
            dataset=(Path("d"),),
            out=Path("o"),
            minutes=3.0,
            lr=1e-4,
            set={"augmentation.shift_px": "2", "ema_decay": "0.9"},
        )
    )
    assert config.minutes == 3.0
    assert config.lr == 1e-4
    assert config.augmentation.shift_px == 2
    assert config.ema_decay == 0.9


def test_the_command_trains_resumes_and_refuses(toy, tmp_path, capsys):
    sizes = ["--set", "policy_options.hidden", "8", "batch_size", "8", "warmup_steps", "1"]
    command = [
        "train",
        "--dataset",
        str(toy),
        "--out",
        str(tmp_path / "out"),
        "--threads",
        "1",
        *sizes,
        "--steps",
    ]
    assert main([*command, "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 2
    assert main([*command, "2"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*command, "3", "--resume"]) == 0
    assert "3 steps" in capsys.readouterr().out
    assert main(["train", "--dataset", str(toy), "--out", str(tmp_path / "x")]) == 2
    assert "budget" in capsys.readouterr().err
