"""How far along a run is, and what learning rate that means."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loopyard.training.config import TrainConfig

LEAD = 0.1
"""Of a budget in steps, the clock counts once it is so much further than the steps are."""


@dataclass(frozen=True)
class Budget:
    """A limit in steps, or in seconds, or in both (whichever comes first)."""

    steps: int | None
    seconds: float | None

    @classmethod
    def of(cls, config: TrainConfig, n_samples: int, left_s: float | None) -> Budget:
        """n_samples: frames in an epoch. left_s: seconds that a deadline allows, or None."""
        seconds = None if config.minutes is None else config.minutes * 60.0
        if left_s is not None:
            seconds = left_s if seconds is None else min(seconds, left_s)
        steps = config.steps
        if config.epochs is not None:
            steps = max(1, round(config.epochs * n_samples / config.samples_a_step))
        return cls(steps, seconds)

    def share(self, step: int, seconds: float) -> float:
        """0 at the start, 1 or more when the budget is used up.

        The learning rate follows it. So a run in time for its steps must not look at the clock, or
        the same steps would not give the same weights: one begins some seconds before its first.
        """
        by_clock = 0.0
        if self.seconds is not None:
            by_clock = seconds / self.seconds if self.seconds > 0 else 1.0
        if self.steps is None:
            return by_clock
        by_steps = step / self.steps
        late = by_clock >= 1.0 or by_clock > by_steps + LEAD
        return max(by_steps, by_clock) if late else by_steps


def learning_rate(config: TrainConfig, step: int, share: float) -> float:
    """Linear warm-up over steps, then half a cosine over the budget, down to a final share."""
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
    return config.lr * warm * (config.lr_final_share + (1.0 - config.lr_final_share) * cosine)
