"""A whole campaign on a Ray cluster of this machine. Slow: Ray starts."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CRASH = Path(__file__).parents[1] / "crash"


@pytest.fixture
def campaigns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A campaign of which nothing depends on the clock."""
    monkeypatch.syspath_prepend(str(CRASH))
    yield importlib.import_module("campaigns")
    del sys.modules["campaigns"]


def test_a_campaign_comes_to_the_same_with_ray_as_with_processes(campaigns, new_shell, tmp_path):
    pytest.importorskip("ray")
    found = {}
    for executor in ("local", "ray"):
        folder = tmp_path / "here"  # records name the policy by its path
        folder.mkdir()
        shell = new_shell(folder)
        campaign = campaigns.write_campaign(folder)
        options = "--set", f"executor={executor}", "--set", "workers=2", "--json"
        done = shell.run("run", campaign, *options)
        assert done.returncode in (0, 1), done.stderr
        assert json.loads(done.stdout)["gate"]["n"] == 4
        kept = folder.rename(tmp_path / executor) / "runs/toy"
        assert new_shell(tmp_path).answer("verify", kept)["whole"]
        found[executor] = campaigns.outcome(kept)
    assert found["ray"] == found["local"]
    assert any("dataset" in name for name in found["ray"])
