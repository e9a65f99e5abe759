"""What runs inside a worker process: one handler, one job after another."""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import threading
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from loopyard.core.errors import LoopyardError

RESULT, FAILED, CLOSED = "result", "failed", "closed"


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
    try:
        handler = _handler_maker(inbox.get())()
        while (message := inbox.get()) is not None:
            _, data = message
            start = time.monotonic()
            result = handler(pickle.loads(data))
            answer = pickle.dumps((RESULT, time.monotonic() - start, result))
            pipe.send_bytes(answer)
        close = getattr(handler, "close", None)
        if close is not None:
            close()
        pipe.send((CLOSED,))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except BaseException as error:
        pipe.send_bytes(_failure(error))


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
