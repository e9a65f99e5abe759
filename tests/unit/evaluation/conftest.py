from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that ``glue_world:GlueWorld`` can be named, by spawned workers too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "toy"))
