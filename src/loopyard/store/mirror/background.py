"""The mirror beside a campaign: a thread that sends what is done, and that nothing waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopyard.core.errors import ConfigError, LeaseError, StoreError
from loopyard.store.event_reader import opened
from loopyard.store.mirror.remote import require_reachable
from loopyard.store.mirror.send import OtherRunError, Sender
from loopyard.store.mirror.snapshot import LOG

LOOK_EVERY_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 900.0
LAST_WORDS_S = 60.0
"""How long the end of a command waits for what is still to be sent."""
INTERRUPTED_S = 5.0
"""And how long one that failed or was interrupted."""

Say = Callable[[str], None]


class Mirror:
    """Watches a run's event log; after each finished step it sends what its mirror lacks.

    What fails (network, credentials, the store) pauses it, each time for twice as long, and is
    said; the campaign knows nothing of it. A file that changes while it is sent comes next time.
    """

    def __init__(
        self,
        run: Path,
        url: str,
        say: Say,
        *,
        step_kind: str,
        look_every_s: float = LOOK_EVERY_S,
        pauses_s: tuple[float, float] = (FIRST_PAUSE_S, LONGEST_PAUSE_S),
    ) -> None:
        """step_kind: of the events after which there is something to send.

        Raises:
            ConfigError: the URL cannot be one.
        """
        require_reachable(url)
        self._log, self._say, self._kind = run / LOG, say, step_kind
        self._look_every_s, self._pauses_s = look_every_s, pauses_s
        self._end, self._hurry = threading.Event(), threading.Event()
        self._sender = Sender(run, url, stop=self._hurry.is_set)
        self._pause_s = 0.0
        self._behind = True
        self._seen = self._last_step()
        self._thread = threading.Thread(target=self._work, name="mirror", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def drop(self) -> None:
        """End, and send nothing more."""
        self._hurry.set()
        self._end.set()

    def close(self, within_s: float = LAST_WORDS_S) -> bool:
        """Send the rest, for at most so long; whether all is there. A pause is not sat out."""
        self._end.set()
        self._thread.join(within_s)
        self._hurry.set()
        if self._behind:
            self._say("the mirror lacks a part of this run; `loopyard mirror` sends it")
        return not self._behind

    def _work(self) -> None:
        while not self._end.is_set():
            found = self._last_step()
            if found > self._seen or self._pause_s:
                self._seen = found
                if not self._try():
                    return
            self._end.wait(self._pause_s or self._look_every_s)
        if not self._last_step():
            self._behind = False  # nothing was ever finished
        elif not self._pause_s and not self._hurry.is_set():
            self._try()  # a report came after the last step

    def _last_step(self) -> int:
        try:
            with opened(self._log) as db:
                query = "SELECT max(seq) FROM events WHERE kind = ?"
                return db.execute(query, (self._kind,)).fetchone()[0] or 0
        except StoreError:
            return 0  # not made yet

    def _try(self) -> bool:
        """Send; whether there is any sense in going on."""
        try:
            self._behind = True
            self._behind = not self._sender.send().complete
        except OtherRunError as error:
            self._say(f"no mirror is made: {error}")
            return False
        except Exception as error:
            first_s, longest_s = self._pauses_s
            self._pause_s = min(longest_s, max(first_s, 2 * self._pause_s))
            text = (str(error).splitlines() or [""])[0][:200]
            self._say(
                f"the mirror pauses for {self._pause_s:.0f} s: {type(error).__name__}: {text}"
            )
        else:
            if self._pause_s:
                self._say("the mirror goes on")
            self._pause_s = 0.0
        return True


@contextmanager
def mirrored(run: Path, url: str | None, say: Say, **settings: Any) -> Iterator[None]:
    """A `Mirror` beside what the block does; without a URL, none."""
    if url is None:
        yield
        return
    mirror = Mirror(run, url, say, **settings)
    mirror.start()
    try:
        yield
    except (ConfigError, LeaseError):
        mirror.drop()  # the run folder is not this command's
        raise
    except BaseException:
        mirror.close(INTERRUPTED_S)
        raise
    mirror.close()
