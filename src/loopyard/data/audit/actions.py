"""Is there something to learn? How often each action channel is zero, saturated, unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset


def check_shares(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Shares over all frames, each channel by itself, and all of them idle at once."""
    action = dataset.column(ACTION_KEY)
    episode = dataset.column("episode_index")
    zero = np.abs(action) < limits.zero_value
    idle = float(zero.all(axis=1).mean())
    yield Check(
        "idle",
        "fail" if idle > limits.idle_fail else "pass",
        f"{idle:.1%} of frames with every action zero",
        f"at most {limits.idle_fail:.0%}",
    )
    unchanged = np.abs(np.diff(action, axis=0)) < limits.constant_value
    unchanged = unchanged[np.diff(episode) == 0]
    for index, channel in enumerate(dataset.spec.action.channels):
        shares = {
            "zero": (float(zero[:, index].mean()), limits.zero_warn),
            "saturated": (
                _saturated(action[:, index], channel.low, channel.high, limits),
                limits.saturated_warn,
            ),
            "constant": (
                float(unchanged[:, index].mean()) if len(unchanged) else 0.0,
                limits.constant_warn,
            ),
        }
        for name, (share, most) in shares.items():
            yield Check(
                f"{name}: {channel.name}",
                "warn" if share > most else "pass",
                f"{share:.1%} of frames",
                f"at most {most:.0%}",
                ACTION_KEY,
            )


def _saturated(values: np.ndarray, low: float, high: float, limits: Thresholds) -> float:
    middle, reach = (high + low) / 2, (high - low) / 2
    return float((np.abs(values - middle) >= limits.saturated_value * reach).mean())
