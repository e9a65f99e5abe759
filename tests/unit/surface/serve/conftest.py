from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests import telling by its name

from telling import INTERFACE, Served, TellingPolicy

from loopyard.surface.serve.interface import Interface


@pytest.fixture(autouse=True)
def quick_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopyard.surface.serve.link.RETRY_S", 0.02)


@pytest.fixture
def policy() -> TellingPolicy:
    return TellingPolicy()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts a server; it ends with the test."""
    made: list[Served] = []

    def start(policy: Any, interface: Interface = INTERFACE, port: int = 0, **settings: Any):
        made.append(Served(policy, interface, **settings))
        return made[-1].begin(port)

    yield start
    for each in made:
        each.end()


@pytest.fixture
def served(serve: Callable[..., Served], policy: TellingPolicy) -> Served:
    return serve(policy)
