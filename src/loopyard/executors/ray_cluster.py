"""The Ray cluster that this process works with: one that is there, or one of this machine."""

from __future__ import annotations

import logging
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loopyard.core.errors import ConfigError, WorkerError, expected
from loopyard.core.machine import usable_cores
from loopyard.executors.worker import own_environment

OBJECT_STORE_BYTES = 256 * 2**20
"""Of a cluster of this machine: it holds jobs in flight and nothing else."""

OWN = "loopyard"
"""A resource that marks a cluster started here: its processes have a worker's environment."""


def connect(address: str | None, cores: int) -> None:
    """Join the cluster at ``address``, or start one of this machine with at least so many cores.

    A process works with one cluster: where it has joined one already, that one stays. Nothing is
    reported to Ray's makers and no dashboard is started; only who has this process's token may use
    a cluster that it started.

    Raises:
        ConfigError: Ray is not installed, or nothing answers at the address.
        WorkerError: no cluster could be started.
    """
    ray = _import_ray()
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    if "://" in address:
        wanted = "host:port of the cluster's head, given on a machine of the cluster"
        raise ConfigError(expected("ray", "address", address, wanted))
    if ray.is_initialized():
        return
    settings: dict[str, Any] = {}
    if address == "local":
        # else Ray writes a token into the user's home
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        settings = {
            "num_cpus": max(cores, usable_cores()),
            "object_store_memory": OBJECT_STORE_BYTES,
            "include_dashboard": False,
            "resources": {OWN: 1},
            # else workers are nice (15) and starve beside anything that is not
            "_system_config": {"worker_niceness": 0},
        }
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        with _undisturbed(), _environment(own_environment() if address == "local" else {}):
            ray.init(
                address=address,
                log_to_driver=False,
                configure_logging=False,
                logging_level=logging.ERROR,
                **settings,
            )
    except Exception as error:  # Ray raises several kinds, a plain Exception among them
        if address == "local":
            raise WorkerError(f"ray: no cluster could be started here: {error}") from error
        raise ConfigError(expected("ray", "address", address, f"a cluster: {error}")) from error
    _keep_off_standard_output(ray)


def cluster_cores() -> int:
    """Cores that the cluster has now, at least 1."""
    return max(1, int(_import_ray().cluster_resources().get("CPU", 0)))


def runtime_env() -> dict[str, Any]:
    """What Ray must do to give a worker its environment: nothing where the cluster's processes have
    it. Else each is started twice, which takes three times the processor time of a local one."""
    if OWN in _import_ray().cluster_resources():
        return {}
    return {"env_vars": own_environment()}


def other_nodes() -> list[str]:
    """The ids of the nodes with cores, where there is more than this machine's own."""
    ray = _import_ray()
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    own = ray.get_runtime_context().get_node_id()
    return [node["NodeID"] for node in nodes if node["NodeID"] != own]


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        wanted = "the package ray: pip install 'loopyard[ray]'"
        raise ConfigError(expected("executor", "ray", str(error), wanted)) from None
    return ray


@contextmanager
def _environment(own: dict[str, str]) -> Iterator[None]:
    """What is started meanwhile has these variables as well."""
    before = dict(os.environ)
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name)
            if name in before:
                os.environ[name] = before[name]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ray takes SIGTERM and breakpoint() for itself, and tells how it guards its ports."""
    handler = signal.getsignal(signal.SIGTERM)
    log = logging.getLogger("ray")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
        if os.environ.get("PYTHONBREAKPOINT", "").startswith("ray."):
            del os.environ["PYTHONBREAKPOINT"]
        if signal.getsignal(signal.SIGTERM) is not handler:
            signal.signal(signal.SIGTERM, handler)


def _keep_off_standard_output(ray: Any) -> None:
    """Ray prints there what befell its workers. It belongs to the command's own result; what
    befell a worker, the executor says, and Ray's logs."""
    ray._private.worker.print_to_stdstream = lambda data, ignore_prefix: None
