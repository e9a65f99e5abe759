"""Workers of a Ray cluster: on several nodes, which may come and go.

Ray starts the processes and carries jobs and results; it decides nothing. Its own retries are off,
the crew's are used, and its object store holds only jobs in flight: what is done is known to those
who take the results.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from loopyard.core.errors import WorkerError
from loopyard.executors.crew import CLOSE_S, LOOK_S, Answer, Crew, Task, Worker, kind_of
from loopyard.executors.ray_cluster import cluster_cores, connect, other_nodes, runtime_env
from loopyard.executors.ray_place import Place, probe_in
from loopyard.executors.worker import Served

Job = TypeVar("Job")
Result = TypeVar("Result")

ROOM_S = 300.0
"""How long all workers may wait for room; an autoscaler takes minutes to bring a node."""

NODES_S = 60.0
"""How long the nodes may take to say whether they see the shared folder."""


class RayExecutor:
    """Implements `loopyard.executors.executor.Executor` with actors of a Ray cluster.

    workers: processes at most, each on a core of the cluster; 0: one for each core it has now.
    Where there is room for fewer, fewer work; what finds room later joins them.
    address: ``host:port`` of the cluster's head, or ``auto``; None: what RAY_ADDRESS says, or else
    a cluster of this machine alone, gone when this process ends.
    shared: a folder that jobs write into; every node must see the same one.
    nice: added to the workers' priority, as the nice command does; nice workers take no core away
    from others.

    As with `loopyard.executors.local.LocalExecutor`, workers live for one ``map``, compute on one
    thread each, and at most two jobs a worker are taken ahead of their results. A job whose worker
    or node was lost is tried again, twice at most.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers.
        WorkerError: no cluster could be started here.
    """

    def __init__(
        self,
        workers: int = 0,
        address: str | None = None,
        shared: Path | None = None,
        nice: int = 0,
    ) -> None:
        if workers < 0:
            raise ValueError(f"workers: found {workers}, expected 0 or more")
        connect(address, workers)
        self.workers = workers or cluster_cores()
        self._shared, self._nice = shared, nice

    def map(
        self, make_handler: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job]
    ) -> Iterator[Result]:
        """Results in the order they finish.

        Raises:
            StoreError: a node does not see the shared folder; said before work begins, or when
                the node joins.
            WorkerError: a job's workers were lost three times, or none found room.
            Exception: what the handler raised, of its own type, with the worker's traceback as a
                note unless it is a LoopyardError.
        """
        with probe_in(self._shared) as probe:
            place = Place(os.getcwd(), tuple(sys.path), probe, self._nice)
            _require_on_every_node(place)
            yield from _RayCrew(self.workers, make_handler, jobs, place).results()


def _require_on_every_node(place: Place) -> None:
    """Ask the other nodes before there is work on any; one that does not answer is asked again
    when a worker begins there."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look: Any = ray.remote(num_cpus=0, max_retries=0)(_look)
    nodes = [NodeAffinitySchedulingStrategy(node, soft=False) for node in other_nodes()]
    asked = [look.options(scheduling_strategy=node).remote(place) for node in nodes]
    if not asked:
        return
    answered, _ = ray.wait(asked, num_returns=len(asked), timeout=NODES_S)
    for answer in answered:
        with suppress(RayError):
            kind_of(pickle.loads(ray.get(answer)))


def _look(place: Place) -> bytes:
    return ServedByRay().begin(place, pickle.dumps(dict))


class ServedByRay(Served):
    """What runs in an actor."""

    def begin(self, place: Place, maker: bytes) -> bytes:
        return self.make(maker, prepare=place.take)


class _Actor(Worker):
    """One actor. pending: its answers to come, in order."""

    def __init__(self, handle: Any) -> None:
        super().__init__()
        self.ready = False
        self.handle = handle
        self.pending: deque[Any] = deque()
        self.death = ""

    def send(self, task: Task) -> None:
        self.pending.append(self.handle.run.remote(task.data))


class _RayCrew(Crew[_Actor]):
    tries = 3

    def __init__(
        self,
        size: int,
        make_handler: Callable[[], Any],
        jobs: Iterable[Any],
        place: Place,
    ) -> None:
        import ray

        super().__init__(size, make_handler, jobs)
        self.ray, self.place = ray, place
        self.actor_class = ray.remote(ServedByRay).options(
            num_cpus=0 if place.nice else 1,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
            runtime_env=runtime_env(),
        )
        self.had_room_s = time.monotonic()

    def start(self) -> _Actor:
        """Ask for one more actor; it is ready when it found room and made its handler."""
        worker = _Actor(self.actor_class.remote())
        worker.pending.append(worker.handle.begin.remote(self.place, self.maker))
        return worker

    def answers(self) -> Iterator[tuple[_Actor, Answer | None]]:
        first = {worker.pending[0]: worker for worker in self.workers if worker.pending}
        self.ray.wait(list(first), num_returns=1, timeout=LOOK_S)
        # once more for all that are there by now: else a quick worker outruns the others' answers
        ready, _ = self.ray.wait(list(first), num_returns=len(first), timeout=0)
        for answer in ready:
            yield first[answer], self._taken(first[answer])
        self._require_room()

    def _taken(self, worker: _Actor) -> Answer | None:
        """The answer that is there; Ray forgets it with this."""
        try:
            return pickle.loads(self.ray.get(worker.pending.popleft()))
        except self.ray.exceptions.RayError as error:
            worker.death = _reason(error)
            return None

    def _require_room(self) -> None:
        now_s = time.monotonic()
        if any(worker.ready for worker in self.workers):
            self.had_room_s = now_s
        elif now_s - self.had_room_s > ROOM_S:
            raise WorkerError(
                f"ray: found no free core for a worker in {ROOM_S:.0f} s, expected at least one; "
                f"the cluster has {cluster_cores()}"
            )

    def end_of(self, worker: _Actor) -> str:
        self.ray.kill(worker.handle)  # it may be alive and only out of reach
        return worker.death

    def close(self) -> Iterator[Answer]:
        closing = [worker.handle.close.remote() for worker in self.workers if worker.ready]
        if not closing:
            return
        done, _ = self.ray.wait(closing, num_returns=len(closing), timeout=CLOSE_S)
        for answer in done:
            with suppress(self.ray.exceptions.RayError):
                yield pickle.loads(self.ray.get(answer))

    def stop(self) -> None:
        for worker in self.workers:
            self.ray.kill(worker.handle)
        self.workers.clear()


def _reason(error: Exception) -> str:
    """What Ray says of a death, without its advice."""
    text = " ".join(str(error).split())
    return text.rpartition(" is dead because ")[2].partition(". ")[0]
