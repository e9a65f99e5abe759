"""Time, passed in: so that a budget can be tested without waiting for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Seconds that only go forward, and the wall time of an event."""

    def monotonic(self) -> float: ...

    def wall(self) -> float: ...


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


@dataclass
class Stopwatch:
    """Seconds since it was made, beside what earlier tries already used."""

    clock: Clock = field(default_factory=SystemClock)
    used_s: float = 0.0

    def __post_init__(self) -> None:
        self._start = self.clock.monotonic()

    def seconds(self) -> float:
        return self.used_s + self.clock.monotonic() - self._start
