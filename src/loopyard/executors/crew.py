"""The crew of one ``map``: jobs taken a little ahead, lost workers replaced, results as they come.

What is the same for processes of this machine and for those of a cluster. A kind of crew says how
a worker starts, what the workers answered, and how they end.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from loopyard.core.errors import WorkerError
from loopyard.core.stop import look_for_stop
from loopyard.executors.worker import FAILED, READY, RESULT

SHORT_JOB_S = 1.0
"""Below this mean duration a second job waits in the worker, so that it never idles; above it
that would only lengthen the tail, when one worker has a job waiting and another has none."""

LOOK_S = 1.0
"""How long a crew waits for answers before it looks whether its workers are alive."""

CLOSE_S = 30.0


@dataclass
class Task:
    """One job: its pickled form, and how many workers died on it."""

    number: int
    data: bytes
    deaths: int = 0


class Worker(ABC):
    """One worker as its crew sees it. ready: it may be given jobs."""

    ready = True

    def __init__(self) -> None:
        self.tasks: deque[Task] = deque()
        """Sent and without a result yet, in order: the first is the one it works on."""

    @abstractmethod
    def send(self, task: Task) -> None:
        """Hand it one more job; that it died meanwhile is found when its answer is awaited."""


AnyWorker = TypeVar("AnyWorker", bound=Worker)
Answer = tuple[Any, ...]


class Crew(ABC, Generic[AnyWorker]):
    """The workers of one map, and the jobs they hold: at most two a worker.

    size: how many workers at most; they start when there are jobs for them.
    """

    tries: ClassVar[int]
    """So many workers may die on one job."""

    def __init__(self, size: int, make_handler: Callable[[], Any], jobs: Iterable[Any]) -> None:
        self.size = size
        self.maker = pickle.dumps(make_handler)
        self.jobs = iter(jobs)
        self.waiting: deque[Task] = deque()
        self.workers: list[AnyWorker] = []
        self.taken = 0
        self.finished = 0
        self.busy_s = 0.0
        self.idle_deaths = 0

    @abstractmethod
    def start(self) -> AnyWorker:
        """A new worker that makes its handler."""

    @abstractmethod
    def answers(self) -> Iterator[tuple[AnyWorker, Answer | None]]:
        """What workers answered, waiting about LOOK_S for it; None for a worker that is gone."""

    @abstractmethod
    def end_of(self, worker: AnyWorker) -> str:
        """Release a dead worker and say what it died of."""

    @abstractmethod
    def close(self) -> Iterator[Answer]:
        """Let every handler close itself; what they answered."""

    @abstractmethod
    def stop(self) -> None:
        """End every worker now."""

    def results(self) -> Iterator[Any]:
        """Results in the order they finish.

        Raises:
            WorkerError: a job's workers died, or workers die before they begin.
            Exception: what a handler raised.
        """
        try:
            self.feed()
            while self.waiting or any(worker.tasks for worker in self.workers):
                look_for_stop()
                for worker, answer in self.answers():
                    if answer is None:
                        self.bury(worker)
                        continue
                    kind = kind_of(answer)
                    if kind == READY:
                        worker.ready = True
                    elif kind == RESULT:
                        self.done(worker, seconds=answer[1])
                        self.feed()
                        yield answer[2]
                self.feed()
            for answer in self.close():
                kind_of(answer)  # an error in close counts like one in a job
        finally:
            self.stop()

    def depth(self) -> int:
        """How many jobs a worker may hold."""
        mean_s = self.busy_s / self.finished if self.finished else SHORT_JOB_S
        return 2 if mean_s < SHORT_JOB_S else 1

    def hold(self, count: int) -> bool:
        """Take jobs until ``count`` of them wait for a worker; False where there are fewer."""
        while len(self.waiting) < count:
            try:
                job = next(self.jobs)
            except StopIteration:
                return False
            self.taken += 1
            self.waiting.append(Task(self.taken, pickle.dumps(job)))
        return True

    def feed(self) -> None:
        """Start missing workers, as many as have work, and give each what it may hold."""
        idle = sum(not worker.tasks for worker in self.workers)
        while len(self.workers) < self.size and self.hold(idle + 1):
            self.workers.append(self.start())
            idle += 1
        for level in range(1, self.depth() + 1):
            for worker in self.workers:
                if worker.ready and len(worker.tasks) < level:
                    if not self.hold(1):
                        return
                    task = self.waiting.popleft()
                    worker.tasks.append(task)
                    worker.send(task)

    def done(self, worker: AnyWorker, seconds: float) -> None:
        worker.tasks.popleft()
        self.finished += 1
        self.busy_s += seconds
        self.idle_deaths = 0

    def bury(self, worker: AnyWorker) -> None:
        """Take over the jobs of a dead worker. Raises WorkerError when too many died like it."""
        self.workers.remove(worker)
        reason = self.end_of(worker)
        if not worker.tasks:
            self.idle_deaths += 1
            if self.idle_deaths >= self.tries * self.size:
                raise WorkerError(
                    f"{self.idle_deaths} workers died without a job, the last: {reason}"
                )
            return
        task = worker.tasks[0]
        task.deaths += 1
        if task.deaths >= self.tries:
            raise WorkerError(
                f"job {task.number}: {task.deaths} workers died on it, the last: {reason}; "
                "what was finished before is kept"
            )
        self.waiting.extendleft(reversed(worker.tasks))


def kind_of(answer: Answer) -> str:
    """What sort of answer it is. Raises the error that it carries."""
    if answer[0] == FAILED:
        raise answer[1] from None
    return answer[0]
