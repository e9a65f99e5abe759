"""Training a `vla`: its window, its resume to the bit, features kept on disk, its own settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from recorded import record
from safetensors.torch import load_file

from loopyard.core.errors import ConfigError
from loopyard.data.augment import Augmentation
from loopyard.policies.checkpoint import load_policy
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.surface.cli import main
from loopyard.training.average import Average
from loopyard.training.batches import Variation
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train
from loopyard.training.setup import Setup, prepare
from loopyard.training.update import Update

TINY = {"size": "tiny", "hidden": 16, "lora_rank": 2, "n_obs_steps": 3}
FROZEN = {**TINY, "mode": "frozen", "readout": "pooled"}


@pytest.fixture
def vla(config_of):
    def make(options: dict | None = None, **settings) -> TrainConfig:
        return config_of(
            **{
                "policy": "vla",
                "policy_options": options or TINY,
                "batch_size": 4,
                "accumulate": 1,
                "validate_every": 100,
                "checkpoint_every": 100,
                **settings,
            }
        )

    return make


def test_its_defaults_are_its_own_and_can_be_set():
    config = TrainConfig(policy="vla", steps=1)
    assert (config.lr, config.weight_decay, config.grad_clip) == (1e-4, 0.01, 1.0)
    assert config.samples_a_step == 64
    assert TrainConfig(policy="vla", steps=1, lr=2e-4).lr == 2e-4
    assert TrainConfig(steps=1).lr == 1e-3


def test_training_and_driving_see_the_same_window(vla, sources, out):
    train(vla(steps=1), sources, out)
    policy = load_policy(out / "last", n_action_steps=1)
    assert isinstance(policy, ChunkedPolicy)
    samples = sources.parts[0].training
    setup = prepare(vla(), sources, None)
    batch = setup.batches([samples]).plain(0, np.arange(22))
    assert batch.images[0].shape == (22, 3, 3, 32, 32)
    with torch.inference_mode():
        learned = policy.model(*batch.inputs)[:, 0].clamp(-1, 1).numpy()
    for frame in range(22):
        if frame == 20:
            policy.reset()  # the second episode
        seen = {
            "observation.images.ego": samples.images["ego"][frame],
            "observation.state": samples.state[frame],
            "task": samples.tasks[samples.task[frame]],
        }
        assert np.allclose(policy.act(seen), learned[frame], atol=1e-5)


def test_all_frames_of_a_window_are_varied_alike(vla, sources):
    samples = sources.parts[0].training
    samples.images["ego"][:20] = samples.images["ego"][0]
    vary = Variation(Augmentation(noise=0.1), torch.Generator().manual_seed(0))
    images = (
        prepare(vla(), sources, None).training_batches().varied([np.arange(20)], vary).images[0]
    )
    assert torch.equal(images[:, 0], images[:, 2])
    assert not torch.allclose(images[0], images[1])


def test_resumed_it_has_the_very_same_adapters(vla, sources, out, tmp_path):
    straight = tmp_path / "straight"
    config = vla(steps=4, lr=1e-2, checkpoint_every=2)

    def keep(report):
        if report.step == 2:
            shutil.copytree(straight / "last", out / "last")

    train(config, sources, straight, on_step=keep)
    train(config, sources, out, resume=True)
    whole = load_file(straight / "last/model.safetensors")
    again = load_file(out / "last/model.safetensors")
    assert whole.keys() == again.keys()
    assert [name for name in whole if "lora_B" in name and whole[name].any()]
    for name, values in whole.items():
        assert torch.equal(again[name], values), name
    assert "base_fingerprint" in whole


def test_a_moving_average_shares_what_does_not_learn(vla, sources):
    model = prepare(vla(), sources, None).model
    average = Average(model, 0.9)
    with torch.no_grad():
        for part in model.parameters():
            part.add_(1.0 if part.requires_grad else 0.0)
    average.update(model.parameters(), 100)
    for (name, part), own in zip(model.named_parameters(), average.model.parameters(), strict=True):
        assert (own is part) == (not part.requires_grad), name
        assert own is part or torch.allclose(part - own, torch.tensor(0.9), atol=1e-5), name


def test_a_frozen_backbone_reads_each_frame_once(vla, tmp_path, out, monkeypatch):
    data = record(tmp_path / "data")
    config = vla(FROZEN, image_size=(32, 32), allow_failed_audit=True)
    setup = prepare(config, [data], None)
    training = setup.sources.parts[0].training
    features = training.features
    assert features is not None
    assert features.shape == (80, 64)
    kept = setup.training_batches().plain(0, np.array([1, 20, 45]))
    assert kept.images[0].shape == (3, 3, 64)
    training.features = None  # type: ignore[misc]
    anew = setup.training_batches().plain(0, np.array([1, 20, 45]))
    with torch.inference_mode():
        model = setup.model.eval()
        assert torch.allclose(model(*kept.inputs), model(*anew.inputs), atol=1e-5)
    monkeypatch.setattr(type(setup.model), "features", never)
    train(config.model_copy(update={"steps": 2}), [data], out)
    assert len(features_of(data)) == 1


def never(self, images, text):
    raise AssertionError("a frame was read again")


def features_of(data: Path) -> list[Path]:
    return list((data / ".cache").glob("*-features-*"))


def test_features_are_bounded_and_another_backbones_are_others(vla, tmp_path):
    data = record(tmp_path / "data")

    def prepared(gigabytes: float, **options) -> Setup:
        config = vla(
            {**FROZEN, **options},
            image_size=(32, 32),
            allow_failed_audit=True,
            feature_cache_gb=gigabytes,
        )
        return prepare(config, [data], None)

    needed_gb = 80 * 64 * 4e-9
    first = prepared(2.5 * needed_gb).sources.parts[0].training.features
    second = prepared(2.5 * needed_gb, weights_seed=1).sources.parts[0].training.features
    assert first is not None
    assert second is not None
    assert not np.allclose(first, second)
    assert len(features_of(data)) == 2
    prepared(1.5 * needed_gb, weights_seed=2)
    assert len(features_of(data)) == 1
    assert prepared(0).sources.parts[0].training.features is None
    with pytest.raises(ConfigError, match="feature_cache_gb: found 1e-06"):
        prepared(1e-6, weights_seed=3)


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"fp16": True}])
def test_gradients_are_clipped_after_they_are_whole(vla, sources, out, settings, monkeypatch):
    norms = []
    honest = Update.take

    def watched(self, lr, grad_norm, n_updates):
        parameters = self._replicas.learning[0]
        honest(self, lr, grad_norm, n_updates)
        left = [part.grad.norm() for part in parameters if part.grad is not None]
        norms.append((grad_norm.item(), torch.stack(left).norm().item()))

    monkeypatch.setattr(Update, "take", watched)
    train(vla(steps=2, grad_clip=0.01, **settings), sources, out)
    assert len(norms) == 2
    assert all(before > 0.01 for before, _ in norms)
    assert all(after == pytest.approx(0.01, rel=0.01) for _, after in norms)


def test_float16_gives_the_gradients_of_float32(vla, sources, tmp_path):
    plain = train(vla(steps=2), sources, tmp_path / "plain")
    half = train(vla(steps=2, fp16=True), sources, tmp_path / "half")
    assert half.final_loss == pytest.approx(plain.final_loss, rel=0.02)


def test_classes_learn_with_the_absolute_error_told(vla, sources, out):
    config = vla({**TINY, "bins": 7, "n_obs_steps": 1}, steps=12, lr=1e-2, batch_size=16)
    losses = []
    train(config, sources, out, on_step=lambda report: losses.append(report.loss))
    assert min(losses) < losses[0]
    weights = load_file(out / "last/model.safetensors")["bins.weights"]
    assert weights.shape == (2, 7)
    assert weights.std() > 0.01


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ((), "weights: found None"),
        (("weights", "some/name"), "download true"),
        (("size", "tiny", "lora_targets", "[nothing]"), "lora_targets: found 'nothing'"),
    ],
)
def test_what_cannot_be_made_ends_with_one_line(tmp_path, capsys, options, field):
    data = record(tmp_path / "data")
    given = [
        part
        for name, part in zip(options[::2], options[1::2], strict=True)
        for part in (f"policy_options.{name}", part)
    ]
    train = ["train", "--dataset", str(data), "--policy", "vla", "--steps", "1"]
    train += ["--allow-failed-audit", "--out", str(tmp_path / "run")]
    assert main([*train, *(["--set", *given] if given else [])]) == 2
    told = capsys.readouterr().err
    assert field in told
    assert "Traceback" not in told
