"""What every executor keeps, whoever starts its workers. Ray needs seconds to start: slow."""

from __future__ import annotations

import errno
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from loopyard.core.errors import ConfigError, WorkerError
from loopyard.core.scenario import Scenario
from loopyard.data.episode import EpisodeRow
from loopyard.data.generate import DrivePlan, generate
from loopyard.executors.executor import Executor
from loopyard.executors.local import LocalExecutor
from loopyard.executors.registry import make_executor

TOYS = Path(__file__).parents[1] / "toy"
RAY = pytest.param("ray", marks=pytest.mark.slow)
TRIES = {"local": 2, "ray": 3}

everywhere = pytest.mark.parametrize("executor", ["here", "local", RAY], indirect=True)
in_workers = pytest.mark.parametrize("executor", ["local", RAY], indirect=True)


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    """One cluster for all tests here, and nothing of it afterwards."""
    ray = pytest.importorskip("ray")
    environment = dict(os.environ)
    make_executor("ray", 2)
    yield
    ray.shutdown()
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "here":
        return LocalExecutor(0)
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return make_executor(request.param, 2)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(TOYS))
    yield importlib.import_module("executor_jobs")
    del sys.modules["executor_jobs"]


@everywhere
def test_every_job_has_its_result(jobs, executor: Executor) -> None:
    results = executor.map(partial(jobs.Doubler, offset=1), range(50))
    assert sorted(results) == [2 * job + 1 for job in range(50)]


@everywhere
def test_no_jobs_no_results(jobs, executor: Executor) -> None:
    assert list(executor.map(jobs.Doubler, [])) == []


@everywhere
def test_a_handler_is_made_once_a_worker_and_kept(jobs, executor: Executor, tmp_path) -> None:
    worked = set(executor.map(partial(jobs.Pids, tmp_path), [0.01] * 20))
    made = jobs.pids(tmp_path)
    assert len(made) == len(set(made)) <= max(1, executor.workers)
    assert worked <= set(made)


@in_workers
def test_a_worker_computes_on_one_thread(jobs, executor: Executor, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    (pid, environment, _), *_ = executor.map(jobs.Environment, [0])
    assert pid != os.getpid()
    assert environment == {
        "LP_NUM_THREADS": "0",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MUJOCO_GL": "egl",
    }
    assert os.environ["OMP_NUM_THREADS"] == "7"


@in_workers
def test_results_come_as_they_finish(jobs, executor: Executor, tmp_path) -> None:
    late = tmp_path / "late"
    results = executor.map(jobs.WaitsFor, [late, None, None])
    assert [next(results), next(results)] == [None, None]
    late.touch()
    assert list(results) == [late]


@everywhere
def test_endless_jobs_are_taken_lazily(jobs, executor: Executor) -> None:
    taken = []

    def endless() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = executor.map(jobs.Doubler, endless())
    assert taken == []
    for count in range(1, 30):
        next(results)
        assert len(taken) <= count + 2 * executor.workers
    results.close()  # type: ignore[attr-defined]


@in_workers
def test_leaving_early_ends_the_workers(jobs, executor: Executor, tmp_path) -> None:
    results = executor.map(partial(jobs.Pids, tmp_path), itertools.repeat(0.0))
    assert jobs.alive(next(results))
    results.close()  # type: ignore[attr-defined]
    jobs.wait_for(lambda: not any(map(jobs.alive, jobs.pids(tmp_path))))


@in_workers
def test_an_error_in_the_jobs_ends_the_workers(jobs, executor: Executor, tmp_path) -> None:
    def failing() -> Iterator[float]:
        yield 0.0
        yield 0.0
        raise KeyError("from the jobs")

    with pytest.raises(KeyError, match="from the jobs"):
        list(executor.map(partial(jobs.Pids, tmp_path), failing()))
    jobs.wait_for(lambda: not any(map(jobs.alive, jobs.pids(tmp_path))))


@everywhere
def test_handlers_are_closed_at_the_end(jobs, executor: Executor, tmp_path) -> None:
    worked = set(executor.map(partial(jobs.Closing, tmp_path), range(8)))
    assert worked <= {int(path.name) for path in tmp_path.iterdir()}
    assert {path.read_text() for path in tmp_path.iterdir()} == {"closed"}


@everywhere
def test_an_error_in_close_is_raised(jobs, executor: Executor, tmp_path) -> None:
    with pytest.raises(OSError, match="close: failed"):
        list(executor.map(partial(jobs.FailingClose, tmp_path), [1]))


@everywhere
@pytest.mark.parametrize(
    ("job", "kind", "text"),
    [
        ("config", ConfigError, "demo.yaml: seed: found 'x', expected an integer"),
        ("value", ValueError, "plain"),
        ("full", OSError, "No space left"),
    ],
)
def test_errors_keep_their_type(
    jobs, executor: Executor, job: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        list(executor.map(jobs.Raiser, [job]))
    assert type(caught.value) is kind
    notes = "".join(getattr(caught.value, "__notes__", []))
    assert ("in a worker process" in notes) == (executor.workers > 0 and kind is not ConfigError)
    if kind is OSError:
        assert isinstance(caught.value, OSError)
        assert caught.value.errno == errno.ENOSPC


@in_workers
@pytest.mark.parametrize(
    ("job", "text"),
    [
        ("odd", r"(?s)in a worker process.*odd 1 2"),
        ("exit", "SystemExit: 5"),
        ("lambda", "lambda"),
    ],
)
def test_what_does_not_pickle_is_an_error_with_its_text(jobs, executor, job, text) -> None:
    with pytest.raises(Exception, match=text):
        list(executor.map(jobs.Raiser, [job]))


@everywhere
def test_an_error_while_making_the_handler_is_raised_once(jobs, executor: Executor) -> None:
    with pytest.raises(ConfigError, match="make_handler: broken"):
        list(executor.map(jobs.broken, range(10)))


@in_workers
def test_a_killed_worker_costs_one_job(jobs, executor: Executor, tmp_path) -> None:
    assert sorted(executor.map(partial(jobs.Dies, tmp_path), range(12))) == list(range(12))
    assert (tmp_path / "death-0").exists()
    done = [(tmp_path / f"job-{job}").read_text() for job in range(12)]
    assert sum(text.count("done") for text in done) <= 13  # one more may have ended unheard


@in_workers
def test_a_job_that_kills_again_and_again_is_an_error(jobs, request, executor, tmp_path) -> None:
    tries = TRIES[request.node.callspec.params["executor"]]
    with pytest.raises(WorkerError, match=rf"job 4: {tries} workers died on it, ") as caught:
        list(executor.map(partial(jobs.Dies, tmp_path, times=9), range(12)))
    assert caught.value.exit_code == 3
    assert len(list(tmp_path.glob("death-*"))) == tries


@in_workers
def test_a_worker_killed_from_outside_is_replaced(jobs, executor: Executor, tmp_path) -> None:
    results = executor.map(partial(jobs.Pids, tmp_path), [0.02] * 60)
    victim = next(results)
    os.kill(victim, signal.SIGKILL)
    assert len(list(results)) == 59
    assert set(jobs.pids(tmp_path)) > {victim}


@in_workers
def test_large_jobs_and_results_do_not_block_each_other(jobs, executor: Executor) -> None:
    work = [b"x" * 3_000_000] * 12
    assert [len(result) for result in executor.map(jobs.Large, work)] == [3_000_000] * 12


@in_workers
def test_what_workers_print_stays_out_of_the_result(jobs, executor, capfd) -> None:
    assert list(executor.map(jobs.Printer, [1])) == [1]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", ["local", RAY])
def test_workers_can_be_told_to_take_only_what_others_leave(jobs, request, name) -> None:
    if name == "ray":
        request.getfixturevalue("ray_cluster")
    (plain,) = make_executor(name, 1).map(jobs.Nice, [0])
    assert plain == os.getpriority(os.PRIO_PROCESS, 0)
    assert list(make_executor(name, 1, nice=5).map(jobs.Nice, [0])) == [min(19, plain + 5)]


@pytest.mark.slow
def test_the_episodes_are_the_same_as_those_made_here(jobs, ray_cluster, tmp_path) -> None:
    scenario = Scenario(world="reach_world:ReachWorld", preset="", params={"glued_every": 3})
    executors = LocalExecutor(0), make_executor("ray", 2, shared=tmp_path)
    here, there = [
        generate(DrivePlan(scenario, tmp_path / str(index)), 7, executor)
        for index, executor in enumerate(executors)
    ]
    assert here.failed > 0
    assert here.dataset.digest == there.dataset.digest
    assert not list(tmp_path.glob(".seen-*"))


@in_workers
def test_a_killed_worker_costs_one_episode_at_most(
    jobs, executor: Executor, tmp_path, monkeypatch
) -> None:
    drives = importlib.import_module("telling_world").drives
    scenario = Scenario(
        world="telling_world:TellingWorld", preset="", params={"log": str(tmp_path / "log")}
    )
    first = DrivePlan(scenario, tmp_path / "first")
    whole = generate(first, 12, LocalExecutor(0)).dataset.digest
    once = len(drives(tmp_path / "log"))
    killed: list[int] = []

    def kill(row: EpisodeRow) -> None:
        if not killed:
            killed.append(drives(tmp_path / "log")[-1])
            os.kill(killed[0], signal.SIGKILL)

    made = generate(DrivePlan(scenario, tmp_path / "again"), 12, executor, kill)
    assert made.dataset.digest == whole
    assert len(drives(tmp_path / "log")) - once <= once + 1
    assert killed[0] in drives(tmp_path / "log")[once:]
