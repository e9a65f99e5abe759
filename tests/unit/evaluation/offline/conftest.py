from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

SPEC = WorldSpec(
    world="toy",
    preset="small",
    fps=10,
    max_steps=50,
    task="push the box",
    state=VectorSpec((Channel("x"), Channel("lift"))),
    action=VectorSpec((Channel("steering"), Channel("lift"))),
    cameras=(CameraSpec("ego", width=32, height=32),),
)
LENGTH = 30


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No wait for the disk, and one thread."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def record(root: Path) -> Path:
    """Six drives: a slow wave, its second half another phase."""
    builder = DatasetBuilder(root, SPEC)
    for slot in range(6):
        rng = np.random.default_rng(slot)
        recorder = builder.recorder(slot)
        for tick in range(LENGTH):
            label = np.array([np.sin(tick / 5 + slot), np.cos(tick / 7)], np.float32) * 0.8
            frame = rng.integers(0, 255, (4, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            state = rng.uniform(-1, 1, 2).astype(np.float32)
            recorder.add(
                {"observation.images.ego": frame, "observation.state": state},
                label,
                label,
                "scan" if tick < LENGTH // 2 else "dump",
            )
        done = Outcome(True, 1.0, LENGTH, LENGTH / 10, "success")
        recorder.commit(slot, Scenario(world="toy", preset="small"), done)
    return builder.seal().root


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cycle with a dataset and the checkpoints step_000002, 4, 6, last (as 6) and best."""
    cycle = tmp_path_factory.mktemp("run") / "cycles" / "01"
    record(cycle / "dataset")
    config = TrainConfig(
        steps=6,
        batch_size=16,
        warmup_steps=2,
        policy_options={"widths": [4, 8, 4], "vision": 16, "state": 8, "hidden": 16},
        chunk_size=6,
        n_action_steps=3,
        validation_share=0.34,
        validate_every=2,
        checkpoint_every=2,
        keep=9,
        log_every=1,
        threads=1,
    )
    train(config, [cycle / "dataset"], cycle / "checkpoints")
    return cycle


@pytest.fixture
def cycle(trained: Path, tmp_path: Path) -> Path:
    """A copy to add to."""
    return shutil.copytree(trained.parents[1], tmp_path / "run") / "cycles" / "01"
