"""A dataset folder that takes a moment to make."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder

SPEC = WorldSpec(
    world="toy",
    preset="small",
    fps=10,
    max_steps=50,
    task="push the box",
    state=VectorSpec((Channel("x"), Channel("lift"))),
    action=VectorSpec((Channel("steering"), Channel("lift"))),
    cameras=(CameraSpec("ego", width=64, height=48),),
)


def record(root: Path, spec: WorldSpec = SPEC, *, constant: bool = False, seed: int = 0) -> Path:
    """Four episodes of noise, sealed."""
    builder = DatasetBuilder(root, spec)
    rng = np.random.default_rng(seed)
    for slot in range(4):
        recorder = builder.recorder(slot)
        for _ in range(20):
            frame = rng.integers(0, 255, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            label = rng.uniform(-1, 1, spec.action.size).astype(np.float32)
            recorder.add(
                {
                    "observation.images.ego": frame,
                    "observation.state": rng.uniform(-1, 1, spec.state.size).astype(np.float32),
                },
                label * (not constant),
                label,
                "scan",
                None,
            )
        recorder.commit(
            slot, Scenario(world="toy", preset="small"), Outcome(True, 1.0, 20, 2.0, "success")
        )
    return builder.seal().root
