from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loopyard.cycle.measure import Measurement
from loopyard.executors.local import LocalExecutor


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that ``reach_world:ReachWorld`` can be named."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "toy"))


class FakeClock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class OneWorker:
    """Says it has a worker, and works in this process."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = 1

    def map(self, make_handler: Callable[[], Any], jobs: Iterable[Any]) -> Iterator[Any]:
        return LocalExecutor(0).map(make_handler, jobs)


@pytest.fixture
def executor() -> OneWorker:
    return OneWorker()


@pytest.fixture
def measured() -> Measurement:
    """A machine on which figures are round."""
    return Measurement(
        episode_s=0.1,
        frames_per_episode=100.0,
        step_s=0.05,
        batch_size=64,
        rollout_s=0.2,
        start_s=2.0,
        workers=2,
    )
