"""The sign of life of a runner, and of its work apart from it: alive but stuck is noticed.

A thread renews the lease every few seconds whatever the work does; what it says of progress is
counted by the work itself. So a runner whose work hangs goes on beating, with a count that stands
still.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from loopyard.core.errors import LeaseError, LoopyardError
from loopyard.store.lease import Lease

BEAT_EVERY_S = 5.0
"""A quarter of what a lease lasts: three beats may fail before anybody may take over."""


def leave(error: LeaseError) -> None:
    """End the process where it stands: another works on its run folder, so nothing of this one may
    be written any more, by whatever its main thread is at."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    os._exit(error.exit_code)


class Heartbeat:
    """Holds a lease while the context lasts.

    every_s: seconds between beats. on_lost: called in the beating thread when another process has
    taken the lease over.

    Raises:
        LeaseError: on entering, where another process holds the lease; from `check`, `progress`
            and `at`, where it was lost since.
    """

    def __init__(
        self,
        lease: Lease,
        every_s: float = BEAT_EVERY_S,
        on_lost: Callable[[LeaseError], None] = leave,
    ) -> None:
        self._lease, self._every_s, self._on_lost = lease, every_s, on_lost
        self._step, self._count = "", 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._lease.acquire()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        del error, traceback
        self._over.set()
        self._thread.join()
        self._lease.release("" if kind is None else kind.__name__)

    def at(self, step: str) -> None:
        """A step begins. Said at once, so that a crash a moment later is known to be of it."""
        self._step = step
        self._count += 1
        self._renew()

    def progress(self) -> None:
        """A unit of work is done. Called often: the next beat tells of it."""
        self._count += 1
        self.check()

    def check(self) -> None:
        """Before each write. Raises LeaseError where another process has taken over."""
        self._lease.check()

    def _renew(self) -> None:
        with self._lock:
            self._lease.renew(step=self._step, progress=self._count)

    def _beat(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._renew()
            except LeaseError as error:
                self._on_lost(error)
                return
            except (LoopyardError, OSError):
                pass  # a full or failing disk is for the work to report; the next beat may succeed
