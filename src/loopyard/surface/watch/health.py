"""Is a runner well? By its heartbeat and, apart from that, by its progress."""

from __future__ import annotations

from loopyard.store.lease import Holding
from loopyard.surface.watch.limits import Limits


class Health:
    """Seconds without a change are counted look by look.

    A gap between two looks counts as two looks at most: when the whole machine slept, the runner is
    given its time anew.
    """

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits, self._looked_s = limits, now_s
        self._life, self._silent_s = -1, 0.0
        self._work: tuple[str, int] | None = None
        self._idle_s = 0.0

    def complaint(self, holding: Holding | None, now_s: float) -> str | None:
        """What is wrong with the runner, or None.

        holding: its lease; None while it has none yet.
        """
        gap_s = min(now_s - self._looked_s, 2.0 * self._limits.look_s)
        self._looked_s = now_s
        self._idle_s += gap_s
        self._silent_s += gap_s
        if holding is None or holding.ended is not None:
            self._silent_s = 0.0  # it is starting, or has only its report left to write
        elif holding.beats != self._life:
            self._life, self._silent_s = holding.beats, 0.0
        work = ("", -1) if holding is None else (holding.step, holding.progress)
        if work != self._work:
            self._work, self._idle_s = work, 0.0
        if self._silent_s >= self._limits.frozen_s:
            return f"frozen: no heartbeat for {self._silent_s:.0f} s"
        if self._idle_s >= self._limits.stuck_s:
            return f"stuck: alive, but no progress for {self._idle_s:.0f} s"
        return None
