from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from loopyard.core.scenario import Scenario
from loopyard.data.generate import DrivePlan, generate
from loopyard.executors.local import LocalExecutor
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

SMALL = {"widths": [4, 8, 4], "vision": 16, "state": 8, "hidden": 16, "told": 8}
SCENARIO = Scenario(
    world="corridor", params={"image_width": 32, "image_height": 32, "time_limit_s": 0.8}
)


class Trained(NamedTuple):
    """Two trainings, the second from the first; its checkpoint and the dataset of both."""

    checkpoint: Path
    dataset: Path


@pytest.fixture
def scenario() -> Scenario:
    return SCENARIO


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No wait for the disk, no drawing of curves that nobody looks at, and one thread."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr("loopyard.training.journal.Journal.draw", lambda journal, path: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("vla")
    recorded = SCENARIO.model_copy(update={"params": {"image_width": 32, "image_height": 32}})
    made = generate(DrivePlan(recorded, root / "data"), 6, LocalExecutor(0))
    assert made.dataset.num_episodes == 6
    settings = {
        "policy": "vla-nano",
        "policy_options": SMALL,
        "batch_size": 8,
        "warmup_steps": 1,
        "n_action_steps": 2,
        "log_every": 1,
        "threads": 1,
        "seed": 3,
    }
    with pytest.MonkeyPatch.context() as undrawn:
        undrawn.setattr("loopyard.training.journal.Journal.draw", lambda journal, path: None)
        first = train(TrainConfig(**settings, steps=2), [root / "data"], root / "first").last
        config = TrainConfig(**settings, steps=3, init_from=first)
        second = train(config, [root / "data"], root / "second").last
    return Trained(second, root / "data")
