"""The class of a failed drive, F1 to F6.

Judged is the open part: from the last delivery (or the start) to the end. How it moved comes before
how far it got, and among the ways of moving the one that explains the others comes first:

1. F6, then F5: held up or touching for more than ``held_up_share`` of the open part
   (whichever of the two took longer; on equal terms F6);
2. F4: looping for more than ``loop_share`` of it;
3. F3: something was held in it. F2: a target was reached in it. F1: none of these.
"""

from __future__ import annotations

import numpy as np

from loopyard.evaluation.diagnosis.diagnosis import Evidence, Finding
from loopyard.evaluation.diagnosis.loops import looping
from loopyard.evaluation.diagnosis.motion import Motion, longest, runs
from loopyard.evaluation.diagnosis.thresholds import Thresholds

NEEDED = ("x_m", "y_m", "yaw_rad", "load", "nearest_m", "nearest_rad")
"""Signals without which a class is not given."""
OPEN_ENOUGH_S = 2.0
"""An open part shorter than this is no part to speak of: the drive just ran out of time."""


def classify(motion: Motion, thresholds: Thresholds) -> Finding:
    """The class. Raises KeyError for a signal of `NEEDED` that is not there."""
    held_up = [_held_up(motion, thresholds, *where) for where in (BOUNDARY, SOLIDS)]
    found = max(held_up, key=lambda finding: finding.evidence.value)
    if found.evidence.value > thresholds.held_up_share:
        return found
    loop = _loop(motion, thresholds)
    return loop if loop is not None else _stage(motion, thresholds)


Where = tuple[str, tuple[str, ...], tuple[str, ...], str]
BOUNDARY: Where = ("F6", ("touching_boundary",), ("touching_boundary",), "the boundary")
SOLIDS: Where = (
    "F5",
    ("touching_furniture",),
    # Touching the goal is part of the work; pushing against it without moving is not.
    ("touching_furniture", "touching_goal"),
    "a solid",
)


def _held_up(
    motion: Motion, t: Thresholds, name: str, touch: tuple[str, ...], held: tuple[str, ...], of: str
) -> Finding:
    begin = motion.open_from
    mask = (motion.touching(*touch) | motion.held_up(*held))[begin:]
    enough = len(mask) > OPEN_ENOUGH_S * motion.fps
    share = float(mask.mean()) if enough else 0.0
    first, last = _span(mask, begin, motion)
    text = f"{share:.0%} of the time since the last delivery at {of}"
    return Finding(name, Evidence(first, last, "contact", share, t.held_up_share, text))


def _loop(motion: Motion, t: Thresholds) -> Finding | None:
    begin = motion.open_from
    mask = looping(motion, t)[begin:]
    share = float(mask.mean()) if len(mask) > OPEN_ENOUGH_S * motion.fps else 0.0
    if share <= t.loop_share:
        return None
    first, last = _span(mask, begin, motion)
    text = f"comes back to the same pose or place for {share:.0%} of the time"
    return Finding("F4", Evidence(first, last, "pose", share, t.loop_share, text))


def _span(mask: np.ndarray, begin: int, motion: Motion) -> tuple[float, float]:
    """Seconds from the first to the last long stretch of a mask that starts at tick `begin`."""
    found = runs(mask)
    if not found:
        return begin / motion.fps, (begin + len(mask) - 1) / motion.fps
    least = (longest(mask)[1] - longest(mask)[0]) / 4
    long = [run for run in found if run[1] - run[0] >= least]
    return (begin + long[0][0]) / motion.fps, (begin + long[-1][1] - 1) / motion.fps


def _stage(motion: Motion, t: Thresholds) -> Finding:
    """How far it got: F3, F2 or F1."""
    begin, end_s = motion.open_from, (len(motion.load) - 1) / motion.fps
    load = motion.load[begin:]
    held = np.flatnonzero(load > 0)
    if len(held):
        gains = np.flatnonzero(np.diff(load, prepend=0.0) > 0)
        at_s = (begin + int(gains[-1] if len(gains) else held[0])) / motion.fps
        text = f"held {int(load.max())} from {at_s:.1f} s on, delivered nothing more"
        return Finding("F3", Evidence(at_s, end_s, "load", float(load.max()), 1.0, text))
    reached = np.flatnonzero(motion.reached[begin:])
    limit_m = motion.reach_m + t.reach_margin_m
    if len(reached):
        at_s = (begin + int(reached[0])) / motion.fps
        text = f"at a target at {at_s:.1f} s, held nothing"
        return Finding("F2", Evidence(at_s, end_s, "load", 0.0, 1.0, text))
    nearest_m = float(motion.trace.signal("nearest_m")[begin:].min())
    text = f"never nearer to a target than {nearest_m:.2f} m"
    begin_s = begin / motion.fps
    return Finding("F1", Evidence(begin_s, end_s, "nearest_m", nearest_m, limit_m, text))
