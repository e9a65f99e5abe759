"""How long a supervisor waits for what, and how often it tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """look_s: between two looks at the runner. frozen_s: without a heartbeat, it is frozen.
    stuck_s: without progress, it is stuck. stop_s: to end by itself when asked to. tries: failures
    of one step before the campaign is paused. backoff_s: before the first new start; it doubles
    with each further failure of the step, up to backoff_most_s.
    """

    look_s: float = 1.0
    frozen_s: float = 60.0
    stuck_s: float = 600.0
    stop_s: float = 60.0
    tries: int = 3
    backoff_s: float = 2.0
    backoff_most_s: float = 300.0

    def delay_s(self, failures: int) -> float:
        """Seconds before the next start after so many failures of the same step, 1 or more."""
        return min(self.backoff_most_s, self.backoff_s * 2.0 ** min(failures - 1, 30))
