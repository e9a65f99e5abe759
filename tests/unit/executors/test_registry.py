"""Executors by name."""

from __future__ import annotations

import sys

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.machine import usable_cores
from loopyard.executors.local import LocalExecutor
from loopyard.executors.registry import make_executor


def test_local_is_the_one_without_a_name() -> None:
    assert isinstance(make_executor(), LocalExecutor)
    assert make_executor().workers == usable_cores()
    assert make_executor("local", 3).workers == 3


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="executor: name: found 'slurm', expected local or ray"):
        make_executor("slurm")


def test_ray_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'loopyard\[ray\]'"):
        make_executor("ray")
