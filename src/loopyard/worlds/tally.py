"""Counts one drive as it goes, into an Outcome."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from loopyard.core.outcome import Outcome

IDLE_BELOW = 0.05
NON_FINITE_ACTION = "non_finite_action"


class Tally:
    """What happened so far in a drive of at most `max_steps` control ticks at `fps` a second."""

    def __init__(self, fps: int, max_steps: int) -> None:
        self._fps = fps
        self._max_steps = max_steps
        self._steps = 0
        self._idle = 0
        self._progress = 0.0
        self._success = False
        self._counts: Counter[str] = Counter()
        self._reason: str | None = None

    def add(
        self,
        world: Any,
        action: np.ndarray,
        *,
        terminated: bool,
        truncated: bool,
        info: dict[str, Any],
    ) -> bool:
        """Counts the tick in which `action` was executed; True when it ended the drive.

        A drive ends with its first success, whether or not the world calls that terminated.
        """
        self._steps += 1
        self._idle += bool(np.max(np.abs(action)) < IDLE_BELOW)
        self._counts.update(info.get("events", {}))
        self._success = bool(info.get("success", False))
        self._progress = float(info.get("progress", float(self._success)))
        if self._success:
            self._reason = "success"
        elif terminated or truncated or self._steps >= self._max_steps:
            own = getattr(getattr(world, "unwrapped", world), "outcome_reason", None)
            self._reason = str(own or info.get("reason") or ("failed" if terminated else "timeout"))
        return self._reason is not None

    def break_off(self, reason: str) -> None:
        """Ends the drive as a failure, for a reason outside the world."""
        self._reason = reason

    def outcome(self) -> Outcome:
        return Outcome(
            success=self._success,
            progress=self._progress,
            steps=self._steps,
            seconds=self._steps / self._fps,
            reason=self._reason or "unfinished",
            counts=dict(sorted(self._counts.items())),
            idle_share=self._idle / self._steps if self._steps else 0.0,
        )
