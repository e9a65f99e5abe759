from __future__ import annotations

import numpy as np
import pytest
import torch

from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.policies.catalogue import make_config, make_model
from loopyard.policies.config import PolicyConfig, features_of
from loopyard.policies.processing import Processing, ProcessingConfig, statistics_of

SIZE = 32
SMALL = {
    "act-nano": {
        "chunk_size": 6,
        "n_action_steps": 3,
        "widths": [4, 8, 4],
        "vision": 16,
        "state": 8,
        "hidden": 16,
    },
    "vla-nano": {
        "chunk_size": 6,
        "n_action_steps": 3,
        "words": 16,
        "told": 8,
        "widths": [4, 8, 4],
        "vision": 16,
        "state": 8,
        "hidden": 16,
    },
    "vla": {
        "chunk_size": 6,
        "n_action_steps": 3,
        "n_obs_steps": 1,
        "size": "tiny",
        "head": "mlp",
        "lora_rank": 2,
        "hidden": 16,
    },
    "act": {
        "chunk_size": 6,
        "n_action_steps": 3,
        "dim_model": 32,
        "n_heads": 4,
        "dim_feedforward": 32,
        "n_encoder_layers": 1,
        "n_vae_encoder_layers": 2,
        "latent_dim": 4,
    },
}


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, a thin ResNet, and no wait for the disk."""
    torch.set_num_threads(1)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr("loopyard.policies.act.resnet.WIDTHS", (8, 8, 8, 8))


@pytest.fixture
def spec() -> WorldSpec:
    return WorldSpec(
        "fake",
        "starter",
        10,
        50,
        "task",
        VectorSpec(tuple(Channel(f"s{i}") for i in range(3))),
        VectorSpec((Channel("steering"), Channel("throttle"))),
        (CameraSpec("ego", SIZE, SIZE), CameraSpec("side", SIZE, SIZE)),
    )


@pytest.fixture
def config_of(spec: WorldSpec):
    def make(kind: str, cameras: tuple[str, ...] = ("ego",), **sizes) -> PolicyConfig:
        features = features_of(spec, list(cameras), (SIZE, SIZE))
        return make_config(kind, "test", {**features, "type": kind, **SMALL[kind], **sizes})

    return make


@pytest.fixture
def numbers() -> dict[str, np.ndarray]:
    """Some images, states and actions of the fake world."""
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (20, SIZE, SIZE, 3), dtype=np.uint8),
        "state": rng.normal(size=(20, 3)).astype(np.float32),
        "action": rng.uniform(-1, 1, (20, 2)).astype(np.float32),
    }


@pytest.fixture
def processing_of(spec: WorldSpec, numbers):
    def make(config: PolicyConfig, **settings) -> Processing:
        images = {camera: numbers["images"] for camera in config.cameras}
        return Processing(
            ProcessingConfig(
                cameras=tuple(config.cameras),
                image_size=config.image_size,
                state_names=tuple(spec.state.names),
                action_names=tuple(spec.action.names),
                **settings,
            ),
            statistics_of(images, numbers["state"], numbers["action"]),
        )

    return make


@pytest.fixture
def model_of(config_of):
    def make(kind: str, cameras: tuple[str, ...] = ("ego",), **sizes):
        torch.manual_seed(0)
        return make_model(config_of(kind, cameras, **sizes))

    return make
