"""Small yards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loopyard.worlds.yard.world import YardWorld

sys.path.insert(0, str(Path(__file__).parent))  # workers import scene_prints by its name


@pytest.fixture
def make_yard() -> Iterator[Callable[..., YardWorld]]:
    """Makes yards and closes them after the test."""
    made: list[YardWorld] = []

    def make(preset: str = "starter", **params: Any) -> YardWorld:
        made.append(YardWorld(preset, **params))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def blind() -> Callable[[YardWorld], YardWorld]:
    """Lets a world give its state without drawing its cameras: physics tests need no GL."""

    def without_cameras(world: YardWorld) -> YardWorld:
        world._observation = lambda: {"observation.state": world._state()}
        return world

    return without_cameras
