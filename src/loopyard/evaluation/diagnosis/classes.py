"""The class of a failed drive, F1 to F6.

Judged is the open part: from the last delivery (or the start) to the end. How it moved comes before
how far it got, and among the ways of moving the one that explains the others comes first:

1. F6 or F5: held up or touching for more than ``held_up_share`` of the open part, or for the last
   ``held_up_end_s`` of the drive and longer (of both, the one that held it longer);
2. F4: looping for more than ``loop_share`` of it, or for the last ``loop_end_s`` and longer;
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
END_S = 1.0
"""What ended so shortly before the drive did lasted to its end."""
OPEN_ENOUGH_S = 2.0
"""An open part shorter than this is no part to speak of: the drive just ran out of time."""


def classify(motion: Motion, thresholds: Thresholds) -> Finding:
    """The class. Raises KeyError for a signal of `NEEDED` that is not there."""
    t = thresholds
    boundary = motion.touching("touching_boundary") | motion.held_up("touching_boundary")
    # Touching the goal is part of the work; pushing against it without moving is not.
    solids = motion.touching("touching_furniture") | motion.held_up(
        "touching_furniture", "touching_goal"
    )
    limits = t.held_up_share, t.held_up_end_s
    pressed = _lasting(motion, "F6", boundary, *limits, "contact", "at the boundary")
    wedged = _lasting(motion, "F5", solids, *limits, "contact", "up against a solid")
    held_up = [found for found in (pressed, wedged) if found is not None]
    if held_up:
        return max(held_up, key=lambda found: found.evidence.to_s - found.evidence.from_s)
    limits = t.loop_share, t.loop_end_s
    loop = _lasting(motion, "F4", looping(motion, t), *limits, "pose", "in a loop")
    return loop if loop is not None else _stage(motion, t)


def _lasting(
    motion: Motion,
    name: str,
    mask: np.ndarray,
    most_share: float,
    end_s: float,
    signal: str,
    how: str,
) -> Finding | None:
    """A way of moving that took more than a share of the open part, or lasted to the end."""
    begin = motion.open_from
    part = mask[begin:]
    if len(part) <= OPEN_ENOUGH_S * motion.fps:
        return None
    share = float(part.mean())
    last = runs(part)[-1:]
    to_end_s = 0.0
    if last and last[0][1] >= len(part) - END_S * motion.fps:
        to_end_s = (last[0][1] - last[0][0]) / motion.fps
    if share <= most_share and to_end_s < end_s:
        return None
    from_s, to_s = _span(part, begin, motion)
    if share > most_share:
        text = f"{share:.0%} of the time since the last delivery {how}"
        return Finding(name, Evidence(from_s, to_s, signal, share, most_share, text))
    from_s = (begin + last[0][0]) / motion.fps
    text = f"the last {to_end_s:.1f} s {how}"
    return Finding(name, Evidence(from_s, to_s, signal, to_end_s, end_s, text))


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
