"""The cluster of this machine: what its processes inherit, and this one does not keep."""

from __future__ import annotations

import os

import pytest

from loopyard.executors.ray_cluster import _environment


def test_what_is_started_meanwhile_has_the_environment_and_this_process_its_own_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("LP_NUM_THREADS", raising=False)
    before = dict(os.environ)
    with _environment({"OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "0"}):
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert os.environ["LP_NUM_THREADS"] == "0"
    assert dict(os.environ) == before
