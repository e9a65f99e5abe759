"""Motion: the series that classes and patterns are decided on, derived from a trace."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from loopyard.evaluation.diagnosis.thresholds import Thresholds
from loopyard.evaluation.trace import Trace

POSE = ("x_m", "y_m", "yaw_rad")
DRIVING = ("steering", "throttle")
"""Action channels that move the robot; in a world with other names, all of them may."""


CONTACTS = ("touching_boundary", "touching_furniture", "touching_goal")
APART = {"touching_boundary": "boundary_m", "touching_furniture": "obstacle_m"}
"""How far off what may be touched is."""


class Motion:
    """A trace and what follows from it, each (T + 1,) unless said. Raises KeyError where a signal
    is missing that the series needs."""

    def __init__(self, trace: Trace, thresholds: Thresholds) -> None:
        self.trace, self.fps, self._t = trace, trace.fps, thresholds

    def ticks(self, seconds: float) -> int:
        return max(1, round(seconds * self.fps))

    @cached_property
    def places(self) -> np.ndarray:
        """(T + 1, 2) metres."""
        return np.stack([self.trace.signal("x_m"), self.trace.signal("y_m")], axis=1)

    @cached_property
    def yaw(self) -> np.ndarray:
        """Radians, without jumps."""
        return np.unwrap(self.trace.signal("yaw_rad"))

    @cached_property
    def load(self) -> np.ndarray:
        return self.trace.signal("load")

    @cached_property
    def delivered(self) -> np.ndarray:
        return self.trace.signal("delivered")

    @cached_property
    def open_from(self) -> int:
        """The tick after the last delivery: from here on nothing came of the drive any more."""
        if not self.trace.has("delivered"):
            return 0
        gains = np.flatnonzero(np.diff(self.delivered) > 0)
        return int(gains[-1]) + 1 if len(gains) else 0

    @cached_property
    def commanded(self) -> np.ndarray:
        """bool: the robot is told to move."""
        names = self.trace.action_names
        driving = [names.index(name) for name in DRIVING if name in names]
        channels = self.trace.actions[:, driving] if driving else self.trace.actions
        told = np.max(np.abs(channels), axis=1, initial=0.0) > self._t.command
        return np.append(told, told[-1:] if len(told) else [False])

    @cached_property
    def reached(self) -> np.ndarray:
        """bool: a target is in the tool, or just ahead of it."""
        apart_m, bearing = self.trace.signal("nearest_m"), self.trace.signal("nearest_rad")
        near = (apart_m < self.reach_m + self._t.reach_margin_m) & (
            np.abs(bearing) < self._t.reach_rad
        )
        return near | (self.trace.signal("in_mouth") > 0 if self.trace.has("in_mouth") else False)

    @property
    def reach_m(self) -> float:
        return float(self.trace.layout.get("reach_m", np.zeros(())))

    def touching(self, *names: str) -> np.ndarray:
        """bool: any of these contacts, held on for ``touch_s`` after it was felt."""
        found = np.zeros(len(self.trace.signals), bool)
        for name in names:
            if self.trace.has(name):
                found |= self.trace.signal(name) > 0
        last = np.where(found, np.arange(len(found)), -(10**9))
        since = np.arange(len(found)) - np.maximum.accumulate(last)
        return since <= self.ticks(self._t.touch_s)

    @cached_property
    def still(self) -> np.ndarray:
        """bool: within some ``still_s`` around this tick, neither moved nor turned to speak of."""
        window = self.ticks(self._t.still_s)
        count = len(self.places)
        if count <= window:
            return np.zeros(count, bool)
        begins = np.ones(count - window, bool)
        for part in (1, 2, 3, 4):  # what goes away and comes back within a window is not still
            later = slice(part * window // 4, count - window + part * window // 4)
            moved = np.linalg.norm(self.places[later] - self.places[:-window], axis=1)
            turned = np.abs(self.yaw[later] - self.yaw[:-window])
            begins &= (moved < self._t.still_m) & (turned < self._t.still_rad)
        marks = np.zeros(count + 1, int)
        marks[:-1][: len(begins)] += begins
        marks[window + 1 :][: len(begins)] -= begins[: len(marks) - window - 1]
        return np.cumsum(marks)[:count] > 0

    def held_up(self, *names: str) -> np.ndarray:
        """bool: told to move and not moving, touching one of these or about to.

        What is pressed on bounces, and contact is only felt at the end of a tick: what stands that
        near to a robot that cannot move is what holds it.
        """
        at = self.touching(*names)
        nothing_felt = ~self.touching(*CONTACTS)
        for name in names:
            apart = APART.get(name, "")
            if self.trace.has(apart):
                near = self.trace.signal(apart) < self.reach_m + self._t.press_m
                at = at | (near & nothing_felt)
        return self.commanded & self.still & at


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(first, last + 1) of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def longest(mask: np.ndarray) -> tuple[int, int]:
    """The longest stretch of True, (0, 0) where there is none."""
    return max(runs(mask), key=lambda run: run[1] - run[0], default=(0, 0))
