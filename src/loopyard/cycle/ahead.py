"""Work ahead: one thing done in a thread while the campaign goes on with another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class DroppedError(Exception):
    """Raised in work ahead that nobody waits for any more."""


class Ahead(Generic[Result]):
    """Runs ``work`` in a thread of its own until somebody `take`s its result.

    ``work`` is given a function to call often; it raises `DroppedError` after `drop`.
    """

    def __init__(self, work: Callable[[Callable[[], None]], Result]) -> None:
        self._work = work
        self._dropped = threading.Event()
        self._result: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Would `take` give its result, or raise, at once?"""
        return not self._thread.is_alive()

    def take(self) -> Result:
        """Wait for the result; raises what the work raised."""
        while self._thread.is_alive():  # a join without a time-out would not hear Ctrl-C
            self._thread.join(0.2)
        if self._error is not None:
            raise self._error
        return self._result[0]

    def drop(self) -> None:
        """Stop the work and wait until it has stopped; its error, if any, is nobody's."""
        self._dropped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._result.append(self._work(self._look))
        except BaseException as error:
            self._error = error

    def _look(self) -> None:
        if self._dropped.is_set():
            raise DroppedError
