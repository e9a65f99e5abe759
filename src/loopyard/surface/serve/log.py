"""What the server's log says of one client: when it comes and goes, and what goes wrong, but never
so much that a client could fill the disk with it."""

from __future__ import annotations

from collections.abc import Callable

from websockets.exceptions import ConnectionClosed

from loopyard.core.clock import Clock
from loopyard.surface.serve.wire import Message

MOST_CHARACTERS = 500
"""Of a line."""
EVERY_S = 10.0
"""Between two lines about safe actions of the same client."""


class ClientLog:
    """number: of the client, counted from the server's start."""

    def __init__(self, number: int, say: Callable[[str], None], clock: Clock) -> None:
        self._name = f"client {number}"
        self._say = say
        self._clock = clock
        self._answers = self._safe = self._untold = 0
        self._told_s: float | None = None

    def say(self, text: str) -> None:
        self._say(f"{self._name} {text}"[:MOST_CHARACTERS])

    def answered(self, answer: Message) -> None:
        """Counts an answer; tells of a safe one, or of several at once."""
        self._answers += 1
        if not answer.get("safe"):
            return
        self._safe += 1
        self._untold += 1
        now_s = self._clock.monotonic()
        if self._told_s is None or now_s - self._told_s >= EVERY_S:
            self.say(f"stands still, {self._untold} of its ticks: {answer['reason']}")
            self._told_s, self._untold = now_s, 0

    def closed(self, error: ConnectionClosed) -> None:
        self.say(f"goes after {self._answers} answers, {self._safe} of them safe ({error})")
