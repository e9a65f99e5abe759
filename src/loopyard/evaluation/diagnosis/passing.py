"""Patterns of a robot that has to pass solids on a named side and to reach what is beyond: it
stops, drives straight on, takes the other side, hits something, drives past.

They need the signals ``side_m`` and ``clear_m`` (`loopyard.worlds.world.WorldSignals`) and the
events ``wrong_side``, ``box_contact`` and ``boundary_contact``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from loopyard.evaluation.diagnosis.diagnosis import Evidence
from loopyard.evaluation.diagnosis.motion import Motion, longest
from loopyard.evaluation.diagnosis.thresholds import Thresholds

Decide = Callable[[Motion, Thresholds], Evidence | None]


def _stopped(motion: Motion, t: Thresholds) -> Evidence | None:
    first, end = longest(_standing(motion, t))
    if end == first:
        return None
    from_s, to_s = first / motion.fps, (end - 1) / motion.fps
    places = motion.places[first:end]
    moved_m = float(np.linalg.norm(places - places[0], axis=1).max())
    text = f"moved {moved_m:.2f} m in {to_s - from_s:.1f} s"
    return Evidence(from_s, to_s, "x_m", to_s - from_s, t.stopped_s, text)


def _standing(motion: Motion, t: Thresholds) -> np.ndarray:
    """(T + 1,) bool: the tick is of a stretch of ``stopped_s`` that stays within ``stopped_m``."""
    window = motion.ticks(t.stopped_s)
    found = np.zeros(len(motion.places), bool)
    for begin in range(len(found) - window):
        span = slice(begin, begin + window + 1)
        if np.linalg.norm(motion.places[span] - motion.places[begin], axis=1).max() <= t.stopped_m:
            found[span] = True
    return found


def _straight(motion: Motion, t: Thresholds) -> Evidence | None:
    if _standing(motion, t).any():
        return None
    way = motion.places - motion.places[0]
    ahead = np.array([np.cos(motion.yaw[0]), np.sin(motion.yaw[0])])
    ahead_m = float((way @ ahead)[-1])
    aside_m = float(np.ptp(way @ np.array([-ahead[1], ahead[0]])))
    needed_m = max(0.0, -float(motion.trace.signal("clear_m")[0]))
    limit_m = max(t.straight_m, t.straight_share * needed_m)
    if needed_m < t.straight_m or ahead_m < t.straight_least_m or aside_m > limit_m:
        return None
    text = f"{aside_m:.2f} m aside in {ahead_m:.1f} m ahead; to pass took {needed_m:.2f} m"
    return Evidence(0.0, motion.trace.seconds, "y_m", aside_m, limit_m, text)


def _wrong_side(motion: Motion, t: Thresholds) -> Evidence | None:
    when = np.flatnonzero(motion.trace.event("wrong_side"))
    if not len(when):
        return None
    tick, side_m = int(when[0]), motion.trace.signal("side_m")
    before = np.flatnonzero(side_m[: tick + 1] >= 0)
    begin = int(before[-1]) if len(before) else 0
    text = f"passed a box {-side_m[tick + 1]:.2f} m off its middle, on the side that was not named"
    span = begin / motion.fps, (tick + 1) / motion.fps
    return Evidence(*span, "side_m", float(side_m[tick + 1]), 0.0, text)


def _hit_box(motion: Motion, t: Thresholds) -> Evidence | None:
    when = np.flatnonzero(motion.trace.event("box_contact"))
    if not len(when):
        return None
    tick = int(when[0])
    side_m, clear_m, apart_m = map(motion.trace.signal, ("side_m", "clear_m", "obstacle_m"))
    far = np.flatnonzero(apart_m[: tick + 1] >= t.hit_near_m)
    begin = int(far[-1]) if len(far) else 0
    which = "named" if side_m[tick + 1] >= 0 else "other"
    text = f"hit a box {abs(side_m[tick + 1]):.2f} m off its middle, on its {which} side"
    span = begin / motion.fps, (tick + 1) / motion.fps
    return Evidence(*span, "clear_m", float(clear_m[tick + 1]), 0.0, text)


def _hit_wall(motion: Motion, t: Thresholds) -> Evidence | None:
    when = np.flatnonzero(motion.trace.event("boundary_contact"))
    if not len(when):
        return None
    tick, apart_m = int(when[0]), motion.trace.signal("boundary_m")
    far = np.flatnonzero(apart_m[: tick + 1] >= t.hit_near_m)
    begin = int(far[-1]) if len(far) else 0
    at_s, limit_m = (tick + 1) / motion.fps, t.hit_near_m
    text = f"drove into the boundary at {at_s:.1f} s"
    return Evidence(begin / motion.fps, at_s, "boundary_m", float(apart_m[tick + 1]), limit_m, text)


def _missed(motion: Motion, t: Thresholds) -> Evidence | None:
    signal = motion.trace.signal
    side_m, apart_m, bearing = map(signal, ("side_m", "nearest_m", "nearest_rad"))
    past = np.isinf(side_m[-1]) and abs(bearing[-1]) > np.pi / 2
    if not past or motion.delivered[-1] or _standing(motion, t).any():
        return None
    begin = int(np.flatnonzero(np.isinf(side_m))[0])
    nearest_m, limit_m = float(apart_m[begin:].min()), motion.reach_m
    text = f"passed what it had to, and its target at {nearest_m:.2f} m; {limit_m:.2f} m reach it"
    span = begin / motion.fps, motion.trace.seconds
    return Evidence(*span, "nearest_m", nearest_m, limit_m, text)


_NEEDED = ("x_m", "y_m", "yaw_rad", "side_m", "clear_m")
PASSING: dict[str, tuple[Decide, tuple[str, ...]]] = {
    "STOPPED": (_stopped, _NEEDED),
    "STRAIGHT_AHEAD": (_straight, _NEEDED),
    "WRONG_SIDE": (_wrong_side, _NEEDED),
    "HIT_BOX": (_hit_box, (*_NEEDED, "obstacle_m")),
    "HIT_WALL": (_hit_wall, (*_NEEDED, "boundary_m")),
    "MISSED_CUP": (_missed, (*_NEEDED, "nearest_m", "nearest_rad", "delivered")),
}
"""What decides on each pattern, and the signals that it needs."""
