from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TOYS = Path(__file__).parents[3] / "toy"


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module tests/toy/hdf5_recordings.py."""
    yield from _module(monkeypatch, "hdf5_recordings")


@pytest.fixture
def bags(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module tests/toy/bag_recordings.py."""
    yield from _module(monkeypatch, "bag_recordings")


@pytest.fixture
def lerobots(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module tests/toy/lerobot_recordings.py."""
    yield from _module(monkeypatch, "lerobot_recordings")


def _module(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(TOYS))
    yield importlib.import_module(name)
    sys.modules.pop(name)
