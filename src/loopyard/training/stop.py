"""Ctrl-C and SIGTERM: asked once, the loop stops at the next step; asked twice, at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from loopyard.core.stop import look_for_stop


class StopRequest:
    """Context in which the first SIGINT or SIGTERM only sets ``requested``.

    One that came when there was no further step to stop at is raised again at the end.
    Outside the main thread Python cannot take signals: there it only offers the flag.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.requested = False
        self._number = signal.SIGTERM
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        look_for_stop()
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in self.SIGNALS}
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.requested and error is None:
            signal.raise_signal(self._number)

    def _take(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.requested:
            raise KeyboardInterrupt
        self._number = signal.Signals(number)
        self.requested = True
