"""Where a drive goes round in circles, or to and fro."""

from __future__ import annotations

import math

import numpy as np

from loopyard.evaluation.diagnosis.motion import Motion, runs
from loopyard.evaluation.diagnosis.thresholds import Thresholds

RATE_HZ = 5
"""Loops are slow: looked for at this rate, whatever the control rate."""
TURN_M = 0.3
"""Metres that a radian of turning counts for."""
LEAST_PERIOD_S = 0.8
LAPS = 2
"""So many times round again after the first."""


def looping(motion: Motion, thresholds: Thresholds) -> np.ndarray:
    """(T + 1,) bool: the tick is part of a loop.

    A loop is one of three: the same way again and again, whatever it is (to and fro, a figure of
    eight); three whole turns to one side that each end about
    where they began (a circle, a spin; its rate may vary); or so many reversals in one place.
    """
    step = max(1, round(motion.fps / RATE_HZ))
    places, yaw = motion.places[::step], motion.yaw[::step]
    rate = motion.fps / step
    mask = _returning(places, yaw, rate, thresholds) | _laps(places, yaw, rate, thresholds)
    mask |= _shuffling(places, yaw, rate, thresholds)
    return np.repeat(mask, step)[: len(motion.places)]


def _path(places: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """(N,) metres driven and turned until then."""
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1) + TURN_M * np.abs(np.diff(yaw))
    return np.concatenate([[0.0], np.cumsum(steps)])


def _returning(places: np.ndarray, yaw: np.ndarray, rate: float, t: Thresholds) -> np.ndarray:
    """The same way again, and again: at each pose it was twice before, having gone away between."""
    path, ticks = _path(places, yaw), np.arange(len(places))
    lag_s = (ticks[:, None] - ticks[None]) / rate
    gone_m = path[:, None] - path[None]
    turned = (yaw[:, None] - yaw[None] + math.pi) % (2 * math.pi) - math.pi
    x, y = places.T
    apart_m = np.hypot(x[:, None] - x[None], y[:, None] - y[None])
    again = (lag_s > LEAST_PERIOD_S) & (lag_s < t.loop_period_s) & (np.abs(turned) < t.loop_rad)
    again &= (apart_m < t.loop_place_m) & (gone_m > np.maximum(t.loop_path_m, t.loop_mps * lag_s))
    before = np.where(again, ticks[None], -1).max(axis=1)
    twice = np.where(before >= 0, before[before], -1)
    found = np.zeros(len(places), bool)
    for first, end in runs(twice >= 0):
        # Ways cross now and then; a loop follows the earlier one for half a round at least.
        if end - first >= (first - before[first]) / 2:
            found[twice[first] : end] = True
    return found


def _laps(places: np.ndarray, yaw: np.ndarray, rate: float, t: Thresholds) -> np.ndarray:
    """Whole turns to one side, each of which ends near to where it began."""
    found = np.zeros(len(yaw), bool)
    most = round(t.loop_period_s * rate)
    for side in (1.0, -1.0):
        # The furthest turned so far; a lap ends where that has grown by a whole turn.
        turned = np.maximum.accumulate(side * yaw)
        begins = np.searchsorted(turned, turned - 2 * math.pi, side="right") - 1
        ends = np.arange(len(yaw))
        lap = (begins >= 0) & (ends - begins <= most) & (ends > begins)
        begins = np.maximum(begins, 0)
        lap &= np.linalg.norm(places[ends] - places[begins], axis=1) < t.lap_place_m
        # Where so many laps end one after the other, going back from lap to lap.
        whole, back = lap, begins
        for _ in range(LAPS):
            whole, back = whole & lap[back], begins[back]
        for end in np.flatnonzero(whole):
            found[back[end] : end + 1] = True
    return found


def _shuffling(places: np.ndarray, yaw: np.ndarray, rate: float, t: Thresholds) -> np.ndarray:
    """Many reversals of driving or turning within a window, and no place left behind."""
    steps, turns = np.diff(places, axis=0), np.diff(yaw)
    ahead = steps[:, 0] * np.cos(yaw[:-1]) + steps[:, 1] * np.sin(yaw[:-1])
    reversals = np.maximum(
        _reversals(ahead * rate, t.reversal_mps), _reversals(turns * rate, t.reversal_radps)
    )
    path, window = _path(places, yaw), round(t.shuffle_s * rate)
    found = np.zeros(len(places), bool)
    for begin in range(0, len(places) - window, max(1, window // 10)):
        end = begin + window
        if reversals[end - 1] - reversals[begin] < t.reversals:
            continue
        away_m = np.linalg.norm(places[begin : end + 1] - places[begin], axis=1).max()
        if away_m < t.shuffle_m and path[end] - path[begin] > t.loop_mps * t.shuffle_s:
            found[begin : end + 1] = True
    return found


def _reversals(speed: np.ndarray, least: float) -> np.ndarray:
    """(N,) how often the sign changed until then, of speeds over `least`."""
    sign = np.where(np.abs(speed) > least, np.sign(speed), 0.0)
    last = np.maximum.accumulate(np.where(sign != 0, np.arange(len(sign)), 0))
    held = sign[last]
    return np.cumsum(np.concatenate([[0], held[1:] * held[:-1] < 0]))
