"""What runs inside a worker process: one handler, one job after another."""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from loopyard.core.errors import LoopyardError

READY, RESULT, FAILED, CLOSED = "ready", "result", "failed", "closed"


def own_environment() -> dict[str, str]:
    """The variables that a worker needs before its interpreter starts: one thread, and a way to
    render unseen."""
    own = {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LP_NUM_THREADS": "0",  # llvmpipe: draw in the calling thread
    }
    if sys.platform == "linux":
        own["MUJOCO_GL"] = os.environ.get("MUJOCO_GL", "egl")
    return own


class Served:
    """A handler whose every answer is pickled for the way home.

    An answer is (READY,), (RESULT, seconds, result), (CLOSED,) or (FAILED, error).
    """

    def __init__(self) -> None:
        self.failed = False
        self._handler: Any = None

    def make(self, maker: bytes, prepare: Callable[[], None] | None = None) -> bytes:
        """Make the handler, after ``prepare``."""

        def work() -> tuple[Any, ...]:
            if prepare is not None:
                prepare()
            self._handler = _handler_maker(maker)()
            return (READY,)

        return self._answer(work)

    def run(self, job: bytes) -> bytes:
        def work() -> tuple[Any, ...]:
            start = time.monotonic()
            result = self._handler(pickle.loads(job))
            return RESULT, time.monotonic() - start, result

        return self._answer(work)

    def close(self) -> bytes:
        def work() -> tuple[Any, ...]:
            close = getattr(self._handler, "close", None)
            if close is not None:
                close()
            return (CLOSED,)

        return self._answer(work)

    def _answer(self, work: Callable[[], tuple[Any, ...]]) -> bytes:
        try:
            return pickle.dumps(work())
        except BaseException as error:
            self.failed = True
            return _failure(error)


def main(descriptor: int) -> None:
    """Serve the parent at the other end of a pipe until it says None or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    pipe = Connection(descriptor)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(pipe, inbox), daemon=True).start()
    try:
        _serve(pipe, inbox)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the parent left; nobody wants to hear of it


def _read(pipe: Connection, inbox: queue.SimpleQueue[Any]) -> None:
    """Take jobs in as they come, so that the parent never waits to send; end with the parent."""
    while True:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        inbox.put(message)
        if message is None:
            return


def _serve(pipe: Connection, inbox: queue.SimpleQueue[Any]) -> None:
    served = Served()
    pipe.send_bytes(served.make(inbox.get()))
    while not served.failed and (job := inbox.get()) is not None:
        pipe.send_bytes(served.run(job))
    if not served.failed:
        pipe.send_bytes(served.close())


def _handler_maker(data: bytes) -> Any:
    try:
        return pickle.loads(data)
    except (AttributeError, ImportError) as error:
        error.add_note("make_handler: put it in a module that workers can import")
        raise


def _failure(error: BaseException) -> bytes:
    """The error itself where it survives pickling, else its text under RuntimeError."""
    if not isinstance(error, LoopyardError):
        error.add_note("in a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        if not isinstance(error, Exception):
            raise TypeError("an exit would end the parent")
        data = pickle.dumps((FAILED, error))
        pickle.loads(data)
    except Exception:
        text = "".join(traceback.format_exception(error))
        return pickle.dumps((FAILED, RuntimeError(f"in a worker process:\n{text}")))
    return data
