"""The executor protocol: run many small jobs somewhere, results as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

Handler = Callable[[Any], Any]
"""Runs one job in a worker, and keeps what is dear to build (a world, a policy) between jobs."""


class Executor(Protocol):
    """Runs jobs in workers that each call ``make_handler()`` once and then their jobs through it.

    make_handler and the jobs must pickle: a module-level function, or ``functools.partial`` of
    one. A handler may have a ``close()``. An error raised in a worker is raised here, once, with
    its type when it is a LoopyardError. Leaving the iterator early stops the workers.
    """

    workers: int

    def map(
        self, make_handler: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job]
    ) -> Iterator[Result]:
        """Results in the order they finish, not the order of the jobs."""
        ...
