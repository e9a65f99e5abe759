"""A stop that was asked for, by Ctrl-C or SIGTERM, and that cannot get lost.

Python tells of a signal by an exception wherever it happens to be; in a destructor or a callback
from C that exception is printed and gone. So the request is kept, and work that goes in steps looks
for it before each.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

DEFAULTS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}

_asked = threading.Event()


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGINT and SIGTERM raise KeyboardInterrupt meanwhile, and are kept for `look_for_stop`.

    A signal that somebody else takes is left to them; outside the main thread Python has none.
    """
    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number in DEFAULTS if signal.getsignal(number) is DEFAULTS[number]]
    for number in taken:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, DEFAULTS[number])
        _asked.clear()


def look_for_stop() -> None:
    """Raises KeyboardInterrupt where a stop was asked for and work goes on all the same."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    _asked.set()
    raise KeyboardInterrupt
