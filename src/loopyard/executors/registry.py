"""Executors by name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from loopyard.core.errors import ConfigError, expected
from loopyard.core.machine import usable_cores
from loopyard.executors.executor import Executor

ExecutorName = Literal["local", "ray"]


def make_executor(
    name: str = "local",
    workers: int = 0,
    *,
    ray_address: str | None = None,
    shared: Path | None = None,
    nice: int = 0,
) -> Executor:
    """An executor; what it runs gives the same results whichever it is.

    workers: 0 for one a core, of this machine or of the cluster. ray_address, shared: as
    `loopyard.executors.ray.RayExecutor` has them.

    Raises:
        ConfigError: no such executor, Ray is not installed, or no cluster answers.
    """
    if name == "local":
        from loopyard.executors.local import LocalExecutor

        return LocalExecutor(workers or usable_cores(), nice)
    if name == "ray":
        from loopyard.executors.ray import RayExecutor

        return RayExecutor(workers, ray_address, shared, nice)
    raise ConfigError(expected("executor", "name", name, "local or ray"))
