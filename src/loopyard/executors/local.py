"""Worker processes of this machine, started fresh and gone when the work is.

Own pipes instead of multiprocessing.Pool: a killed worker cannot take a shared lock with it, a
user's script needs no ``if __name__ == "__main__"``, and each worker's environment is set before
its interpreter starts.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, TypeVar

from loopyard.core.errors import WorkerError
from loopyard.executors.worker import FAILED, RESULT

Job = TypeVar("Job")
Result = TypeVar("Result")

SHORT_JOB_S = 1.0
"""Below this mean duration a second job waits in the worker, so that it never idles; above it
that would only lengthen the tail, when one worker has a job waiting and another has none."""

LOOK_S = 1.0
STOP_S = 0.5
CLOSE_S = 30.0
TRIES = 2

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from loopyard.executors.worker import main; main(int(sys.argv[1]))"
)


class LocalExecutor:
    """Implements `loopyard.executors.executor.Executor` with processes of this machine.

    workers: number of processes; 0 runs the jobs in this one (tests, debugging). nice: added to
    their priority as the nice command does; at 19 they take only what others leave.

    Workers live for one ``map``. They compute on one thread each (OMP, MKL, software GL), since
    there is one of them a core. At most two jobs a worker are taken from ``jobs`` ahead of their
    results, so ``jobs`` may be endless. A worker that the system kills is replaced and its job
    tried once more.
    """

    def __init__(self, workers: int, nice: int = 0) -> None:
        if workers < 0:
            raise ValueError(f"workers: found {workers}, expected 0 or more")
        self.workers, self._nice = workers, nice

    def map(
        self, make_handler: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job]
    ) -> Iterator[Result]:
        """Results in the order they finish.

        Raises:
            WorkerError: a job's worker was killed by the system twice.
            Exception: what the handler raised, of its own type, with the worker's traceback as a
                note unless it is a LoopyardError.
        """
        if self.workers == 0:
            return _map_here(make_handler, jobs)
        return _map_in_workers(_Crew(self.workers, make_handler, jobs, self._nice))


def worker_environment() -> dict[str, str]:
    """What a worker's environment is: this one's, on one thread, and able to render unseen."""
    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment[name] = "1"
    environment["LP_NUM_THREADS"] = "0"  # llvmpipe: draw in the calling thread
    if sys.platform == "linux":
        environment.setdefault("MUJOCO_GL", "egl")
    return environment


def _map_here(make_handler: Callable[[], Any], jobs: Iterable[Any]) -> Iterator[Any]:
    handler = make_handler()
    try:
        for job in jobs:
            yield handler(job)
    finally:
        close = getattr(handler, "close", None)
        if close is not None:
            close()


@dataclass
class _Task:
    """One job: its pickled form, and how many workers died on it."""

    number: int
    data: bytes
    deaths: int = 0


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection
    tasks: deque[_Task] = field(default_factory=deque)
    """Sent and without a result yet, in order: the first is the one it works on."""
    asked_to_stop: bool = False

    def send(self, message: Any) -> None:
        """A worker that died meanwhile is found when its pipe is read."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(message)


class _Crew:
    """The workers of one map, and the jobs they hold."""

    def __init__(
        self, size: int, make_handler: Callable[[], Any], jobs: Iterable[Any], nice: int
    ) -> None:
        self.size, self.nice = size, nice
        self.maker = pickle.dumps(make_handler)
        self.jobs = iter(jobs)
        self.exhausted = False
        self.again: deque[_Task] = deque()
        self.workers: list[_Worker] = []
        self.taken = 0
        self.finished = 0
        self.busy_s = 0.0

    def depth(self) -> int:
        mean_s = self.busy_s / self.finished if self.finished else SHORT_JOB_S
        return 2 if mean_s < SHORT_JOB_S else 1

    def next_task(self) -> _Task | None:
        if self.again:
            return self.again.popleft()
        if self.exhausted:
            return None
        try:
            job = next(self.jobs)
        except StopIteration:
            self.exhausted = True
            return None
        self.taken += 1
        return _Task(self.taken, pickle.dumps(job))

    def feed(self) -> None:
        """Give every worker what it may hold, first those that hold least; start missing ones."""
        for level in range(1, self.depth() + 1):
            for place in range(self.size):
                worker = self.workers[place] if place < len(self.workers) else None
                if worker is not None and (worker.asked_to_stop or len(worker.tasks) >= level):
                    continue
                task = self.next_task()
                if task is None:
                    return
                if worker is None:
                    worker = _start(self.maker, self.nice)
                    self.workers.append(worker)
                worker.tasks.append(task)
                worker.send((task.number, task.data))

    def bury(self, worker: _Worker) -> None:
        """Take over the jobs of a dead worker. Raises WorkerError when it was not the first."""
        worker.pipe.close()
        self.workers.remove(worker)
        code = worker.process.wait()
        if not worker.tasks:
            return
        task = worker.tasks[0]
        task.deaths += 1
        if task.deaths >= TRIES:
            raise WorkerError(
                f"job {task.number}: {task.deaths} workers died on it, the last with "
                f"{_reason(code)}; what was finished before is kept"
            )
        self.again.extendleft(reversed(worker.tasks))

    def stop(self) -> None:
        """End every worker now."""
        for worker in self.workers:
            worker.process.terminate()
        deadline = time.monotonic() + STOP_S
        for worker in self.workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.pipe.close()
        self.workers.clear()


def _map_in_workers(crew: _Crew) -> Iterator[Any]:
    try:
        crew.feed()
        while any(worker.tasks for worker in crew.workers) or crew.again:
            for worker, message in _messages(crew):
                if message is None:
                    crew.bury(worker)
                elif message[0] == RESULT:
                    _, seconds, result = message
                    worker.tasks.popleft()
                    crew.finished += 1
                    crew.busy_s += seconds
                    crew.feed()
                    yield result
                else:
                    _raise(message)
            crew.feed()
        _close(crew)
    finally:
        crew.stop()


def _messages(crew: _Crew) -> Iterator[tuple[_Worker, Any]]:
    """What workers sent, waiting for it; None for a worker that is gone."""
    workers = {id(worker.pipe): worker for worker in crew.workers}
    ready = wait([worker.pipe for worker in crew.workers], timeout=LOOK_S)
    for pipe in ready:
        worker = workers[id(pipe)]
        try:
            yield worker, worker.pipe.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            yield worker, None
    if not ready:
        # a grandchild may hold a dead worker's pipe open, so the process is asked as well
        for worker in workers.values():
            if worker.process.poll() is not None and not worker.pipe.poll():
                yield worker, None


def _close(crew: _Crew) -> None:
    """Let every handler close itself; an error in that counts like one in a job."""
    for worker in crew.workers:
        worker.asked_to_stop = True
        worker.send(None)
    deadline = time.monotonic() + CLOSE_S
    for worker in crew.workers:
        message = None
        with suppress(EOFError, OSError):
            if worker.pipe.poll(max(0.0, deadline - time.monotonic())):
                message = worker.pipe.recv()
        if message is not None and message[0] == FAILED:
            _raise(message)


def _raise(message: tuple[str, BaseException]) -> None:
    assert message[0] == FAILED
    raise message[1] from None


def _start(maker: bytes, nice: int) -> _Worker:
    """Start one worker, with Ctrl-C blocked in it: the terminal sends that to the whole group,
    and stopping the workers is this process's work."""
    ours, theirs = Pipe()
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", BOOT, str(theirs.fileno()), json.dumps(sys.path)],
            env=worker_environment(),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output belongs to the command's own result
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
        theirs.close()
    if nice:
        priority = os.getpriority(os.PRIO_PROCESS, process.pid)
        os.setpriority(os.PRIO_PROCESS, process.pid, priority + nice)
    worker = _Worker(process, ours)
    worker.send(maker)
    return worker


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name} (out of memory?)" if name == "SIGKILL" else name
