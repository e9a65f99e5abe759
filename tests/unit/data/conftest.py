from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.data.episode import EpisodeRow

Record = Callable[..., EpisodeRow]


TOY = WorldSpec(
    world="toy",
    preset="small",
    fps=10,
    max_steps=50,
    task="push the box",
    state=VectorSpec((Channel("x", "1 m"), Channel("lift"))),
    action=VectorSpec((Channel("steering"), Channel("lift"))),
    cameras=(CameraSpec("ego", width=32, height=24),),
)


@pytest.fixture
def spec() -> WorldSpec:
    """A world of two states, two actions and a camera of 32 x 24."""
    return TOY


@pytest.fixture
def record() -> Record:
    """Records one made-up drive: what it holds depends on the slot alone."""
    return drive


def drive(
    builder: DatasetBuilder, slot: int, frames: int = 12, *, kept: bool = True, chunk_every: int = 0
) -> EpisodeRow:
    rng = np.random.default_rng(slot)
    recorder = builder.recorder(slot)
    for tick in range(frames):
        label = rng.uniform(-1, 1, 2).astype(np.float32)
        chunk = None
        if chunk_every and tick % chunk_every == 0:
            chunk = np.full((builder.chunk_size, 2), slot + tick, np.float32)
        recorder.add(
            picture(slot, tick, builder.spec)
            | {"observation.state": rng.uniform(-1, 1, 2).astype(np.float32)},
            label,
            label * 0.5,
            "scan" if tick < frames // 2 else "dump",
            chunk,
        )
    outcome = Outcome(
        success=kept,
        progress=float(kept),
        steps=frames,
        seconds=frames / 10,
        reason="success" if kept else "timeout",
        counts={"held": 1},
    )
    return recorder.commit(
        100 + slot, Scenario(world="toy", preset="small"), outcome, kept=kept, meta={"noise": 0.1}
    )


def picture(slot: int, tick: int, spec: WorldSpec) -> dict[str, Any]:
    """A brown floor and a red square that moves."""
    images = {}
    for camera in spec.cameras:
        frame = np.full((camera.height, camera.width, 3), (150, 110, 70), np.uint8)
        left = (slot + tick) % (camera.width - 4)
        frame[8:12, left : left + 4] = (220, 20, 20)
        images[camera.key] = frame
    return images


@pytest.fixture(scope="session")
def sealed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builder = DatasetBuilder(tmp_path_factory.mktemp("sealed") / "toy", TOY)
    for slot in range(5):
        drive(builder, slot, 12 + slot, kept=slot != 2)
    return builder.seal().root


@pytest.fixture
def dataset(tmp_path: Path, sealed_once: Path) -> Dataset:
    """Four kept episodes of 12, 13, 15 and 16 frames and a failed one; a copy to damage at will."""
    shutil.copytree(sealed_once, tmp_path / "toy")
    return open_dataset(tmp_path / "toy")
