"""Do states move as bodies do, and actions as a driver's? Jumps and jerk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.audit.drives import drives_of, enough_of, reach
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

CONTINUOUS = 50
"""A channel with fewer different values is a switch or a counter, and may jump."""
WRAP = 0.9
"""A step over more of the range is an angle that begins anew."""


def check_jumps(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """A state that moves in one tick much further than it ever does: a reset, a lost frame.

    Judged against the 99th percentile of the steps that are not zero, and only where the jump is
    a fifth of the channel's range or more.
    """
    drives = drives_of(dataset, limits)
    if too_few := drives.too_few(limits):
        yield Check("jumps", "pass", too_few, enough_of(limits), STATE_KEY, "health")
        return
    rows = np.flatnonzero(drives.within)
    for index, channel in enumerate(dataset.spec.state.channels):
        values = drives.state[:, index]
        spread = float(np.ptp(values))
        if len(np.unique(values[:20_000])) < CONTINUOUS or not spread:
            continue
        steps = np.abs(np.diff(values))[rows] / spread
        moving = steps[(steps > 1e-6) & (steps < WRAP)]
        usual = float(np.percentile(moving, 99)) if len(moving) else 0.0
        far = max(limits.jump_factor * usual, limits.jump_share)
        jumps = np.flatnonzero((steps > far) & (steps < WRAP))
        hit = tuple(int(i) for i in np.unique(drives.indices[drives.episode[rows[jumps]]]))
        largest = float(moving.max()) if len(moving) else 0.0
        yield Check(
            f"jumps: {channel.name}",
            "warn" if len(jumps) else "pass",
            f"{len(jumps)} jumps; the largest step is {largest:.1%} of the range, p99 {usual:.1%}",
            f"at most {limits.jump_factor:g} times p99",
            f"episodes {', '.join(map(str, hit[:8]))}" if hit else STATE_KEY,
            "health",
            hit,
        )


def check_jerk(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Second difference of each action channel against its own spread: sqrt(6) for white noise."""
    drives = drives_of(dataset, limits)
    if too_few := drives.too_few(limits):
        yield Check("jerk", "pass", too_few, enough_of(limits), ACTION_KEY, "health")
        return
    whole = drives.within[1:] & drives.within[:-1]
    second = np.diff(drives.action, 2, axis=0)[whole]
    for index, channel in enumerate(dataset.spec.action.channels):
        values = drives.action[:, index]
        spread = float(values.std())
        if not len(second) or spread < 1e-9 * reach(channel, values):
            continue
        steps = np.abs(np.diff(values))[drives.within]
        jerk = float(np.sqrt((second[:, index] ** 2).mean())) / spread
        yield Check(
            f"jerk: {channel.name}",
            "warn" if jerk > limits.jerk_warn else "pass",
            f"{jerk:.2f} of the channel's deviation in two ticks; "
            f"steps up to {steps.max():.3g}, p99 {np.percentile(steps, 99):.3g}",
            f"at most {limits.jerk_warn:g} (white noise has 2.45)",
            ACTION_KEY,
            "health",
        )
