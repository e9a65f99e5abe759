"""The crew: which jobs it takes and gives, and what the death of a worker means."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from loopyard.core.errors import WorkerError
from loopyard.core.stop import stoppable
from loopyard.executors.crew import Answer, Crew, Task, Worker
from loopyard.executors.worker import CLOSED, READY, RESULT

SHORT_S, LONG_S = 0.1, 5.0


class Puppet(Worker):
    def __init__(self, number: int, ready: bool) -> None:
        super().__init__()
        self.number, self.ready = number, ready

    def send(self, task: Task) -> None:
        pass


class Puppets(Crew[Puppet]):
    """Every answer comes from ``script``: (worker's number, kind), in turn."""

    tries = 2

    def __init__(self, size: int, jobs: Any, script: Any = (), *, slow_start: bool = False) -> None:
        super().__init__(size, dict, jobs)
        self.script, self.slow_start = iter(script), slow_start
        self.started = 0
        self.stopped = False

    def start(self) -> Puppet:
        self.started += 1
        return Puppet(self.started, ready=not self.slow_start)

    def answers(self) -> Iterator[tuple[Puppet, Answer | None]]:
        number, kind = next(self.script)
        worker = next(worker for worker in self.workers if worker.number == number)
        if kind == RESULT:
            yield worker, (RESULT, LONG_S, pickle.loads(worker.tasks[0].data))
        else:
            yield worker, (kind,) if kind else None

    def end_of(self, worker: Puppet) -> str:
        return "a reason"

    def close(self) -> Iterator[Answer]:
        yield (CLOSED,)

    def stop(self) -> None:
        self.stopped = True


@pytest.mark.parametrize(("busy_s", "depth"), [(0.0, 1), (9.0, 2), (11.0, 1)])
def test_only_short_jobs_wait_in_the_worker(busy_s: float, depth: int) -> None:
    crew = Puppets(2, [])
    assert crew.depth() == 1  # nothing is known of them yet
    crew.finished, crew.busy_s = (10, busy_s) if busy_s else (0, 0.0)
    assert crew.depth() == depth


@pytest.mark.parametrize(("jobs", "started"), [(0, 0), (1, 1), (3, 2)])
@pytest.mark.parametrize("slow_start", [False, True])
def test_as_many_workers_start_as_there_are_jobs_for(jobs, started, slow_start) -> None:
    crew = Puppets(2, range(jobs), slow_start=slow_start)
    crew.feed()
    assert crew.started == started


def test_a_worker_that_is_not_ready_holds_no_job() -> None:
    crew = Puppets(
        2, range(3), [(2, READY), (2, RESULT), (2, RESULT), (2, RESULT)], slow_start=True
    )
    assert list(crew.results()) == [0, 1, 2]
    assert crew.stopped


def test_jobs_of_a_dead_worker_are_done_by_others() -> None:
    script = [(1, None), (2, RESULT), (3, RESULT), (2, RESULT)]
    crew = Puppets(2, range(3), script)
    assert sorted(crew.results()) == [0, 1, 2]
    assert crew.started == 3


def test_a_job_may_cost_so_many_workers_and_no_more() -> None:
    crew = Puppets(1, range(3), [(1, RESULT), (1, None), (2, None)])
    results = crew.results()
    assert next(results) == 0
    with pytest.raises(WorkerError, match="job 2: 2 workers died on it, the last: a reason; "):
        next(results)
    assert crew.stopped


def test_workers_that_die_before_they_begin_are_an_error_in_the_end() -> None:
    crew = Puppets(2, range(3), [(number, None) for number in range(1, 9)], slow_start=True)
    with pytest.raises(WorkerError, match="4 workers died without a job, the last: a reason"):
        list(crew.results())
    assert crew.stopped


def test_a_stop_that_was_swallowed_ends_it_at_the_next_look(monkeypatch) -> None:
    class Closing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(sys, "unraisablehook", lambda told: None)
    crew = Puppets(1, range(3), [(1, RESULT)] * 3)
    with stoppable():
        results = crew.results()
        assert next(results) == 0
        Closing()
        with pytest.raises(KeyboardInterrupt):
            next(results)
    assert crew.stopped
