"""The Ray executor: what nodes have to do with it, and what it leaves alone. Slow: Ray starts."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from loopyard.core.errors import ConfigError, StoreError
from loopyard.executors import ray as module
from loopyard.executors.ray import RayExecutor

ray: Any = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

TOYS = Path(__file__).parents[2] / "toy"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(TOYS))
    yield importlib.import_module("executor_jobs")
    del sys.modules["executor_jobs"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head with one core, to which tests add nodes."""
    from ray.cluster_utils import Cluster

    environment = dict(os.environ)
    os.environ["RAY_AUTH_MODE"] = "disabled"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1}, shutdown_at_exit=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(environment)


def test_a_lost_node_costs_no_job_and_its_worker_comes_back(jobs, cluster, tmp_path) -> None:
    lost = cluster.add_node(num_cpus=1)
    taken: list[float] = []
    enough: list[bool] = []

    def work() -> Iterator[float]:
        while not enough:
            taken.append(0.01)
            yield taken[-1]

    executor = RayExecutor(2, cluster.address, shared=tmp_path)
    (tmp_path / "made").mkdir()
    results = executor.map(partial(jobs.Pids, tmp_path / "made"), work())
    found: list[int] = []
    while len(set(found)) < 2:
        found.append(next(results))
    cluster.remove_node(lost, allow_graceful=False)
    found += [next(results) for _ in range(20)]
    assert len(set(found)) == 2  # there is no room for a third
    added = cluster.add_node(num_cpus=1)
    while len(set(found)) < 3:
        found.append(next(results))
    enough.append(True)
    found += list(results)
    assert len(set(found)) == 3
    assert len(found) == len(taken)
    cluster.remove_node(added)


def test_a_node_without_the_shared_folder_is_named_before_work_begins(
    jobs, cluster, tmp_path, monkeypatch
) -> None:
    @contextmanager
    def elsewhere(folder: Path | None) -> Iterator[str]:
        yield str(tmp_path / "not mounted" / "probe")

    monkeypatch.setattr(module, "probe_in", elsewhere)
    node = cluster.add_node(num_cpus=1)
    taken: list[int] = []
    work = (taken.append(job) or job for job in range(9))
    with pytest.raises(StoreError, match=r"node .*not mounted: found 'nothing', expected .*mounts"):
        list(RayExecutor(2, cluster.address, shared=tmp_path).map(jobs.Doubler, work))
    assert taken == []
    cluster.remove_node(node)


def test_workers_of_a_cluster_that_was_there_compute_on_one_thread(jobs, cluster) -> None:
    (_, environment, _), *_ = RayExecutor(1, cluster.address).map(jobs.Environment, [0])
    assert (environment["OMP_NUM_THREADS"], environment["LP_NUM_THREADS"]) == ("1", "0")


def test_ray_keeps_nothing_of_what_was_done(jobs, cluster) -> None:
    executor = RayExecutor(1, cluster.address)
    results = executor.map(jobs.Large, [b"x" * 1_000_000] * 5)
    assert all(len(result) == 1_000_000 for result in results)
    size = ray.cluster_resources()["object_store_memory"]
    jobs.wait_for(lambda: ray.available_resources()["object_store_memory"] == size)


def test_ray_leaves_the_process_as_it_was(cluster) -> None:
    ray.shutdown()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        RayExecutor(1, cluster.address)
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "PYTHONBREAKPOINT" not in os.environ


def test_the_cores_of_the_cluster_are_the_workers_unless_asked(cluster) -> None:
    assert RayExecutor(0, cluster.address).workers == 1
    with pytest.raises(ValueError, match="workers: found -1"):
        RayExecutor(-1, cluster.address)


def test_an_address_of_another_kind_is_refused(cluster) -> None:
    with pytest.raises(ConfigError, match="ray: address: found 'ray://head:10001', expected host"):
        RayExecutor(1, "ray://head:10001")
