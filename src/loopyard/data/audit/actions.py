"""Is there something to learn? How often actions are zero, saturated, unchanged, and how many
different ones there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY
from loopyard.data.audit.drives import Drives, drives_of, enough_of, reach
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

BINS = 41
"""Of a channel's histogram: odd, so that zero has a bin of its own."""
SWITCH_STAYS, SWITCH_USED = 0.8, 0.02
"""A switch stays as it is in more steps than the one, and has each value in more than the other."""


def check_shares(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Shares over all frames, each channel by itself, and all of them idle at once."""
    drives = drives_of(dataset, limits)
    if not drives.frames:
        return
    zero = np.abs(drives.action) < limits.zero_value
    idle = float(zero.all(axis=1).mean())
    yield Check(
        "idle",
        "fail" if idle > limits.idle_fail else "pass",
        f"{idle:.1%} of frames with every action zero",
        f"at most {limits.idle_fail:.0%}",
        part="health",
    )
    unchanged = (np.abs(np.diff(drives.action, axis=0)) < limits.constant_value)[drives.within]
    for index, channel in enumerate(dataset.spec.action.channels):
        values = drives.action[:, index]
        shares = {
            "zero": (float(zero[:, index].mean()), limits.zero_warn),
            "saturated": (
                _saturated(values, channel.low, channel.high, limits),
                limits.saturated_warn,
            ),
            "constant": (
                float(unchanged[:, index].mean()) if len(unchanged) else 0.0,
                limits.constant_warn,
            ),
        }
        switch = _is_switch(values, shares["constant"][0])
        for name, (share, most) in shares.items():
            yield Check(
                f"{name}: {channel.name}",
                "warn" if share > most and not switch else "pass",
                f"{share:.1%} of frames",
                "anything, for a switch" if switch else f"at most {most:.0%}",
                ACTION_KEY,
                "health",
            )
    drives.measured["actions"] = _histograms(drives)


def _is_switch(values: np.ndarray, constant: float) -> bool:
    """Two values, such as a gripper's open and shut, both used and seldom changed."""
    kinds, counts = np.unique(values, return_counts=True)
    return len(kinds) == 2 and constant > SWITCH_STAYS and counts.min() > SWITCH_USED * len(values)


def _saturated(values: np.ndarray, low: float, high: float, limits: Thresholds) -> float:
    middle, half = (high + low) / 2, (high - low) / 2
    return float((np.abs(values - middle) >= limits.saturated_value * half).mean())


def _histograms(drives: Drives) -> dict[str, dict[str, list[float]]]:
    """Of each channel: ``edges`` (BINS + 1) and ``shares`` (BINS) of frames."""
    found = {}
    for index, channel in enumerate(drives.spec.action.channels):
        values = drives.action[:, index]
        half = reach(channel, values) / 2
        middle = (values.min() + values.max()) / 2
        if half * 2 == channel.high - channel.low:
            middle = (channel.low + channel.high) / 2
        counts, edges = np.histogram(values, BINS, (middle - half, middle + half))
        found[channel.name] = {
            "edges": [round(float(edge), 6) for edge in edges],
            "shares": [round(float(share), 6) for share in counts / len(values)],
        }
    return found


def check_distinct(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Action combinations on a grid: how many there are, and how many in effect.

    The effective number is the exponential of the entropy of their shares (Hill number of order 1):
    as many equally frequent combinations would be as diverse.
    """
    drives = drives_of(dataset, limits)
    name = "distinct actions"
    wanted = f"{limits.distinct_warn} combinations, or {limits.effective_warn:g} in effect"
    if too_few := drives.too_few(limits):
        yield Check(name, "pass", too_few, enough_of(limits), ACTION_KEY, "health")
        return
    channels = drives.spec.action.channels
    cell = [
        reach(part, drives.action[:, index]) * limits.action_grid
        for index, part in enumerate(channels)
    ]
    on_grid = np.round(drives.action / cell).astype(np.int64)
    counts = np.unique(on_grid, axis=0, return_counts=True)[1]
    share = counts / drives.frames
    effective = float(np.exp(-(share * np.log(share)).sum()))
    few = len(counts) < min(limits.distinct_warn, drives.frames / 3)
    few = few and effective < limits.effective_warn
    drives.measured["distinct actions"] = {"found": len(counts), "effective": round(effective, 1)}
    found = (
        f"{len(counts)} combinations in {drives.frames} frames "
        f"({len(counts) / drives.frames:.1%}), {effective:.0f} in effect"
    )
    yield Check(name, "warn" if few else "pass", found, wanted, ACTION_KEY, "health")
