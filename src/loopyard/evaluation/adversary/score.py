"""How badly a drive went, graded, so that a search has something to climb."""

from __future__ import annotations

from loopyard.core.outcome import Outcome
from loopyard.evaluation.by_mode import violations

SLOW, HALF_SLOW_S = 0.25, 30.0
"""A success scores at most SLOW, and half of that when it took HALF_SLOW_S."""


def failed(outcome: Outcome, *, unsafe: bool) -> bool:
    """Does the drive count as a failure? unsafe: a success that broke a safety rule does too."""
    return not outcome.success or (unsafe and bool(violations(outcome)))


def badness(outcome: Outcome, *, unsafe: bool) -> float:
    """0..1. A failure: 1/2 + (1 - progress) / 2. Else s / (s + 30) / 4, s its seconds.

    So that any failure is worse than any success, the earlier failure is the worse one, and among
    successes the slow ones, which are nearer to running out of time, show the way.
    """
    if failed(outcome, unsafe=unsafe):
        return 0.5 + 0.5 * (1.0 - min(1.0, max(0.0, outcome.progress)))
    return SLOW * outcome.seconds / (outcome.seconds + HALF_SLOW_S)
