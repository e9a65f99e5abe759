"""A dataset of ours with two cameras, and LeRobot without network or telemetry."""

from __future__ import annotations

import os
import tempfile

import numpy as np
import pytest
from box_task import SPEC, observation

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset

HOME = tempfile.TemporaryDirectory(prefix="lerobot-home-")
"""Where LeRobot's libraries keep their caches during the tests; they look while imported."""

os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": f"{HOME.name}/hub",
    "HF_LEROBOT_HOME": f"{HOME.name}/lerobot",
    "WANDB_MODE": "disabled",
}

EPISODES = 4


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four episodes of 20 to 23 frames, two cameras of 64 x 64."""
    builder = DatasetBuilder(tmp_path_factory.mktemp("ours") / "toy", SPEC)
    for slot in range(EPISODES):
        recorder = builder.recorder(slot)
        frames = 20 + slot
        for tick in range(frames):
            obs = observation(slot, tick)
            obs.pop("task")
            label = np.tanh(obs["observation.state"][:2] + 0.1 * tick).astype(np.float32)
            recorder.add(obs, label, label, "drive", None)
        outcome = Outcome(True, 1.0, frames, frames / 10, "success", {})
        recorder.commit(slot, Scenario(world="toy", preset="small"), outcome, kept=True, meta={})
    return builder.seal()
