"""Worker processes of this machine, started fresh and gone when the work is.

Own pipes instead of multiprocessing.Pool: a killed worker cannot take a shared lock with it, a
user's script needs no ``if __name__ == "__main__"``, and each worker's environment is set before
its interpreter starts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, TypeVar

from loopyard.core.stop import look_for_stop
from loopyard.executors.crew import CLOSE_S, LOOK_S, Answer, Crew, Task, Worker
from loopyard.executors.worker import own_environment

Job = TypeVar("Job")
Result = TypeVar("Result")

STOP_S = 0.5

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
        return _LocalCrew(self.workers, make_handler, jobs, self._nice).results()


def worker_environment() -> dict[str, str]:
    """What a worker's environment is: this one's, on one thread, and able to render unseen."""
    return {**os.environ, **own_environment()}


def _map_here(make_handler: Callable[[], Any], jobs: Iterable[Any]) -> Iterator[Any]:
    handler = make_handler()
    try:
        for job in jobs:
            look_for_stop()
            yield handler(job)
    finally:
        close = getattr(handler, "close", None)
        if close is not None:
            close()


class _Process(Worker):
    def __init__(self, process: subprocess.Popen[bytes], pipe: Connection) -> None:
        super().__init__()
        self.process, self.pipe = process, pipe

    def send(self, task: Task) -> None:
        self.tell(task.data)

    def tell(self, message: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(message)


class _LocalCrew(Crew[_Process]):
    tries = 2

    def __init__(
        self, size: int, make_handler: Callable[[], Any], jobs: Iterable[Any], nice: int
    ) -> None:
        super().__init__(size, make_handler, jobs)
        self.nice = nice

    def start(self) -> _Process:
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
        if self.nice:
            priority = os.getpriority(os.PRIO_PROCESS, process.pid)
            os.setpriority(os.PRIO_PROCESS, process.pid, priority + self.nice)
        worker = _Process(process, ours)
        worker.tell(self.maker)
        return worker

    def answers(self) -> Iterator[tuple[_Process, Answer | None]]:
        workers = {id(worker.pipe): worker for worker in self.workers}
        ready = wait([worker.pipe for worker in self.workers], timeout=LOOK_S)
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

    def end_of(self, worker: _Process) -> str:
        worker.pipe.close()
        return _reason(worker.process.wait())

    def close(self) -> Iterator[Answer]:
        for worker in self.workers:
            worker.tell(None)
        deadline = time.monotonic() + CLOSE_S
        for worker in self.workers:
            with suppress(EOFError, OSError):
                if worker.pipe.poll(max(0.0, deadline - time.monotonic())):
                    yield worker.pipe.recv()

    def stop(self) -> None:
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


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name} (out of memory?)" if name == "SIGKILL" else name
