"""Caution about the ground: slow down a descent, stop before what must be kept off, get out of it.

It has the last word on a move: whatever the expert is about, a hazard comes first. Like all of the
expert it decides from the moment alone.
"""

from __future__ import annotations

import math

import numpy as np

from loopyard.worlds.yard.truth import YardTruth

DESCENT_THROTTLE = 0.38
"""Down a ramp, of full: faster than half is a violation."""
STOP_SHORT_M = 0.03
"""It stops this far before ground to keep off; ways keep a little more (see `steering`), so that
driving along them is not stopped."""
BRAKE_M = 0.6
"""From here on it slows down, in proportion."""
BLOCKED = 0.12
"""Held back to less throttle than this it would stand for ever: it turns instead."""
OUT_THROTTLE, OUT_HEADING_RAD = 0.5, 0.6
OUT_STEP_M, OUT_MOST_M = 0.1, 4.0
OUT_HEADINGS = 24
OUT_TURN_M = 0.3
"""Turning a radian costs as much as driving so far."""


def forbidden(truth: YardTruth, points: np.ndarray) -> np.ndarray:
    """(N,) bool: which of (N, 2) places lie on ground to keep off."""
    if not len(truth.keep_out):
        return np.zeros(len(points), dtype=bool)
    return np.any(_outside_m(truth.keep_out, points) < 0, axis=0)


def careful(truth: YardTruth, steering: float, throttle: float) -> tuple[float, float]:
    """Steering and throttle as the ground allows them."""
    if truth.downhill:
        throttle = float(np.clip(throttle, -DESCENT_THROTTLE, DESCENT_THROTTLE))
    if not len(truth.keep_out):
        return steering, throttle
    here = truth.here
    if forbidden(truth, here[None])[0]:
        return _way_out(truth, here)
    if throttle == 0.0:
        return steering, throttle
    ahead = math.copysign(1.0, throttle) * np.array(
        [math.cos(truth.yaw_rad), math.sin(truth.yaw_rad)]
    )
    allowed = max(0.0, _free_ahead_m(truth.keep_out, here, ahead) - STOP_SHORT_M) / BRAKE_M
    if allowed >= abs(throttle):
        return steering, throttle
    if allowed < BLOCKED:
        return (steering if abs(steering) > BLOCKED else 1.0), 0.0
    return steering, math.copysign(allowed, throttle)


def _way_out(truth: YardTruth, here: np.ndarray) -> tuple[float, float]:
    """Off forbidden ground by the shortest straight way, forward or backward."""
    turns = np.arange(-OUT_HEADINGS // 2, OUT_HEADINGS // 2) * 2 * math.pi / OUT_HEADINGS
    rays = np.stack([np.cos(truth.yaw_rad + turns), np.sin(truth.yaw_rad + turns)], axis=1)
    steps_m = np.arange(OUT_STEP_M, OUT_MOST_M, OUT_STEP_M)
    places = here + rays[:, None] * steps_m[:, None]
    free = ~forbidden(truth, places.reshape(-1, 2)).reshape(places.shape[:2])
    free &= (np.abs(places) < truth.params.half_m - OUT_STEP_M).all(axis=2)
    first_m = np.where(free.any(axis=1), steps_m[free.argmax(axis=1)], math.inf)
    # It may leave backward: what has to be turned is at most a quarter.
    backward = np.abs(turns) > math.pi / 2
    off = np.where(backward, turns - np.copysign(math.pi, turns), turns)
    best = int((first_m + OUT_TURN_M * np.abs(off)).argmin())
    forward, off = (-1.0 if backward[best] else 1.0), float(off[best])
    throttle = forward * OUT_THROTTLE if abs(off) < OUT_HEADING_RAD else 0.0
    return float(np.clip(2.0 * off, -1.0, 1.0)), throttle


def _outside_m(rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(K, N) Chebyshev distance of (N, 2) points from (K, 5) rectangles; negative inside."""
    return (np.abs(_local(rows, points - rows[:, None, :2])) - rows[:, None, 3:]).max(axis=2)


def _free_ahead_m(rows: np.ndarray, here: np.ndarray, ahead: np.ndarray) -> float:
    """How far it is along a unit vector (2,) to the nearest of (K, 5) rectangles (slab test)."""
    start = _local(rows, (here - rows[:, :2])[:, None])[:, 0]
    step = _local(rows, np.broadcast_to(ahead, (len(rows), 1, 2)))[:, 0]
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)
    near, far = (-rows[:, 3:] - start) / step, (rows[:, 3:] - start) / step
    enter = np.minimum(near, far).max(axis=1)
    leave = np.maximum(near, far).min(axis=1)
    hit = (enter < leave) & (leave > 0)
    return float(np.where(hit, enter, math.inf).min())


def _local(rows: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(K, N, 2) yard-frame offsets in the frames of (K, 5) rectangles."""
    cos, sin = np.cos(rows[:, 2, None]), np.sin(rows[:, 2, None])
    along = offsets[..., 0] * cos + offsets[..., 1] * sin
    across = offsets[..., 1] * cos - offsets[..., 0] * sin
    return np.stack([along, across], axis=-1)
