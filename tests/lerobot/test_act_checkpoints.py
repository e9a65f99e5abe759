"""ACT checkpoints, both ways: the same chunk from the same observation within 1e-4."""

# pyright: reportMissingImports=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from box_task import SIZE, SPEC, observation
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.factory import make_pre_post_processors

from loopyard.core.errors import CheckpointError
from loopyard.policies.catalogue import make_config, make_model
from loopyard.policies.checkpoint import load_policy, save_checkpoint
from loopyard.policies.config import features_of
from loopyard.policies.lerobot_export import export_policy
from loopyard.policies.processing import Processing, ProcessingConfig, statistics_of

TOLERANCE = 1e-4
SMALL = {
    "chunk_size": 6,
    "n_action_steps": 6,
    "dim_model": 32,
    "n_heads": 4,
    "dim_feedforward": 64,
    "n_encoder_layers": 2,
    "latent_dim": 8,
}
ONE, TWO = ["ego"], ["side", "ego"]
NETWORKS = {
    "as it comes": (ONE, {}),
    "two cameras": (TWO, {}),
    "without VAE": (TWO, {"use_vae": False}),
    "norm first, gelu": (ONE, {"pre_norm": True, "feedforward_activation": "gelu"}),
    "decoder layers, resnet34": (ONE, {"n_decoder_layers": 3, "vision_backbone": "resnet34"}),
    "ensembled": (TWO, {"temporal_ensemble_coeff": 0.01, "n_action_steps": 1}),
}
MODES = [  # of image, state and action: each mode at each of them
    ("mean_std", "min_max", "identity"),
    ("min_max", "identity", "mean_std"),
    ("identity", "mean_std", "min_max"),
]


def statistics() -> dict[str, dict[str, np.ndarray]]:
    """Of narrow actions, so that nothing a network says comes near the clip at 1."""
    rng = np.random.default_rng(0)
    seen = [observation(seed, tick) for seed in range(3) for tick in range(5)]
    images = {c.name: np.stack([obs[c.key] for obs in seen]) for c in SPEC.cameras}
    state = np.stack([obs["observation.state"] for obs in seen])
    return statistics_of(images, state, rng.uniform(-0.3, 0.2, (50, 2)).astype(np.float32))


def save_ours(folder: Path, cameras: list[str], modes: dict, flat: bool = False, **options) -> Path:
    """A checkpoint of ours with random weights, its frozen norms filled; flat: lift never moved."""
    torch.manual_seed(1)
    data = {**features_of(SPEC, cameras, (SIZE, SIZE)), "type": "act", **SMALL, **options}
    config = make_config("act", "test", data)
    model = make_model(config)
    pictures = torch.stack([torch.from_numpy(observation(s)[SPEC.cameras[0].key]) for s in (0, 1)])
    model.measure_norms(pictures.permute(0, 3, 1, 2) / 255.0)  # type: ignore[operator]
    numbers = statistics()
    if flat:
        for name, value in (("mean", 0.3), ("std", 0.0), ("min", 0.3), ("max", 0.3)):
            numbers["observation.state"][name][2] = value
    settings = ProcessingConfig(
        cameras=tuple(cameras),
        image_size=(SIZE, SIZE),
        state_names=tuple(SPEC.state.names),
        action_names=tuple(SPEC.action.names),
        constant_channels="center" if flat else "error",
        **modes,
    )
    return save_checkpoint(
        folder,
        config=config,
        weights=model.state_dict(),
        processing=Processing(settings, numbers),
        facts={"world_spec": SPEC.to_dict()},
    )


def chunk_there(folder: Path, obs: dict) -> np.ndarray:
    """What LeRobot's policy and processors make of an observation: (chunk_size, 2)."""
    policy = ACTPolicy.from_pretrained(folder, strict=True)
    before, after = make_pre_post_processors(policy.config, str(folder))
    batch = {"observation.state": torch.from_numpy(obs["observation.state"])[None]}
    for key in policy.config.image_features:
        batch[key] = torch.from_numpy(obs[key]).permute(2, 0, 1)[None] / 255.0
    policy.eval()
    with torch.inference_mode():
        return after(policy.predict_action_chunk(before(batch)))[0].numpy()


def assert_same(folder: Path, copy: Path | None = None) -> None:
    """Here (folder) and there (copy, or the same): for several observations, nothing clipped."""
    policy = load_policy(folder)
    for seed in range(3):
        obs = observation(seed, 3)
        theirs = chunk_there(copy or folder, obs)
        assert np.abs(theirs).max() < 1, "clipped: the comparison would say nothing"
        assert np.abs(policy.predict_chunk(obs) - theirs).max() < TOLERANCE


@pytest.mark.parametrize(("cameras", "options"), NETWORKS.values(), ids=NETWORKS)
def test_ours_give_the_same_chunk_there(tmp_path, cameras, options):
    folder = save_ours(tmp_path / "ours", cameras, {}, **options)
    assert_same(folder)
    export_policy(folder, tmp_path / "exported")
    assert_same(folder, tmp_path / "exported")


@pytest.mark.parametrize(("image", "state", "action"), MODES)
def test_every_normalisation_of_ours_is_the_same_there(tmp_path, image, state, action):
    modes = {"image_mode": image, "state_mode": state, "action_mode": action}
    folder = save_ours(tmp_path / "ours", ["ego"], modes)
    policy = load_policy(folder)
    with torch.no_grad():
        policy.model.action_head.weight.mul_(0.05)  # type: ignore[attr-defined]
    small = save_checkpoint(
        tmp_path / "small",
        config=policy.config,  # type: ignore[attr-defined]
        weights=policy.model.state_dict(),  # type: ignore[attr-defined]
        processing=policy.processing,  # type: ignore[attr-defined]
        facts={},
    )
    assert_same(small)


@pytest.mark.parametrize("mode", ["mean_std", "min_max"])
def test_a_channel_that_never_changed_is_only_centred_there_too(tmp_path, mode):
    folder = save_ours(tmp_path / "ours", ["ego"], {"state_mode": mode}, flat=True)
    assert_same(folder)


def test_what_was_exported_comes_back(tmp_path):
    folder = save_ours(tmp_path / "ours", ["side", "ego"], {})
    export_policy(folder, tmp_path / "exported")
    assert not (tmp_path / "exported/processing.json").exists()
    assert_same(tmp_path / "exported")


def save_theirs(folder: Path, cameras: list[str], mode: NormalizationMode, **options) -> Path:
    """A checkpoint as LeRobot saves it, with random weights."""
    torch.manual_seed(2)
    inputs = {
        f"observation.images.{camera}": PolicyFeature(FeatureType.VISUAL, (3, SIZE, SIZE))
        for camera in cameras
    }
    config = ACTConfig(
        input_features=inputs | {"observation.state": PolicyFeature(FeatureType.STATE, (3,))},
        output_features={"action": PolicyFeature(FeatureType.ACTION, (2,))},
        normalization_mapping={"VISUAL": NormalizationMode.MEAN_STD, "STATE": mode, "ACTION": mode},
        pretrained_backbone_weights=None,
        device="cpu",
        **{**SMALL, **options},
    )
    policy = ACTPolicy(config)
    numbers = {
        key: {
            name: torch.from_numpy(value.reshape(3, 1, 1) if "images" in key else value)
            for name, value in part.items()
        }
        for key, part in statistics().items()
    }
    before, after = make_pre_post_processors(config, dataset_stats=numbers)
    for part in (policy, before, after):
        part.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("cameras", "options"), NETWORKS.values(), ids=NETWORKS)
def test_theirs_give_the_same_chunk_here(tmp_path, cameras, options):
    assert_same(save_theirs(tmp_path, cameras, NormalizationMode.MEAN_STD, **options))


def test_theirs_scaled_by_limits_give_the_same_chunk_here(tmp_path):
    assert_same(save_theirs(tmp_path, TWO, NormalizationMode.MIN_MAX))


def test_what_cannot_be_computed_here_is_refused(tmp_path):
    folder = save_theirs(tmp_path / "theirs", ["ego"], NormalizationMode.QUANTILES)
    with pytest.raises(CheckpointError, match="found 'QUANTILES', expected"):
        load_policy(folder)
