from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.augment import Augmentation
from loopyard.training.config import TrainConfig
from loopyard.training.sources import Source, Sources

sys.path.insert(0, str(Path(__file__).parent))  # tests import recorded by its name

SIZE = 32
SMALL = {"widths": [4, 8, 4], "vision": 16, "state": 8, "hidden": 16}
SPEC = WorldSpec(
    "fake",
    "starter",
    10,
    50,
    "task",
    VectorSpec((Channel("x"), Channel("y"))),
    VectorSpec((Channel("steering"), Channel("throttle"))),
    (CameraSpec("ego", SIZE, SIZE),),
)


class FakeSamples:
    """Episodes in which a bright square tells where to steer."""

    def __init__(self, seed: int, episodes: int = 4, length: int = 20):
        rng = np.random.default_rng(seed)
        count = episodes * length
        self.state = rng.normal(size=(count, 2)).astype(np.float32)
        column = rng.integers(0, SIZE - 4, count)
        image = rng.integers(0, 60, (count, SIZE, SIZE, 3), dtype=np.uint8)
        for i in range(count):
            image[i, 12:16, column[i] : column[i] + 4] = 250
        self.images = {"ego": image}
        steer = column / (SIZE - 4) * 2 - 1
        self.action = np.stack([steer, np.abs(steer) * 2 - 1], axis=1).astype(np.float32)
        self.usable = np.arange(count)
        self.tasks = ["keep left", "keep right"]
        self.task = np.arange(count) // length % 2
        self.length = length
        self.features = None

    def before(self, indices: np.ndarray, ticks: int) -> np.ndarray:
        return np.maximum(indices - ticks, indices // self.length * self.length)

    def targets(self, indices: np.ndarray, chunk_size: int) -> tuple[np.ndarray, np.ndarray]:
        left = self.length - indices % self.length
        chunks = np.repeat(self.action[indices][:, None], chunk_size, axis=1)
        return chunks, np.arange(chunk_size) >= left[:, None]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, a thin ResNet, and no wait for the disk (the store has tests of its own)."""
    torch.set_num_threads(1)
    monkeypatch.setattr("loopyard.policies.act.resnet.WIDTHS", (8, 8, 8, 8))
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def sources() -> Sources:
    return Sources(SPEC, [Source(FakeSamples(1), FakeSamples(2, 1), {"path": "fake"})])


@pytest.fixture
def config_of():
    def make(**settings) -> TrainConfig:
        plain = {
            "steps": 6,
            "batch_size": 32,
            "warmup_steps": 2,
            "policy_options": SMALL,
            "chunk_size": 5,
            "n_action_steps": 2,
            "validate_every": 4,
            "checkpoint_every": 3,
            "log_every": 2,
            "threads": 1,
            "augmentation": Augmentation(shift_px=1),
        }
        if {"minutes", "epochs"} & settings.keys():
            del plain["steps"]
        return TrainConfig(**{**plain, **settings})

    return make


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"
