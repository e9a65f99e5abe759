"""Commands that are killed a hundred times over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # tests import harness by its name

from harness import Zygote  # noqa: E402


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Starts commands."""
    made = Zygote(tmp_path_factory.mktemp("zygote"))
    yield made
    made.close()
