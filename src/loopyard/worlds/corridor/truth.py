"""What is true in the corridor at one moment: all an expert may know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.instructions import Side
from loopyard.worlds.corridor.params import CorridorParams


@dataclass(frozen=True)
class CorridorTruth:
    """A moment of the corridor, as a value. Metres, radians, seconds; x ahead, y to the left.

    vx_mps, vy_mps: in the corridor's frame. boxes: (N, 6) x, y, yaw and half extents, nearest
    first. cup: (2,) x, y. side: on which every box has to be passed.
    """

    x_m: float
    y_m: float
    yaw_rad: float
    vx_mps: float
    vy_mps: float
    boxes: np.ndarray
    cup: np.ndarray
    side: Side
    params: CorridorParams

    @property
    def sign(self) -> float:
        """1 to pass on the left, where y is greater; -1 on the right."""
        return 1.0 if self.side == "left" else -1.0

    @cached_property
    def passed(self) -> np.ndarray:
        """(N,) bool: boxes that the base is wholly beyond."""
        return self.x_m > self.boxes[:, 0] + self.boxes[:, 3] + g.BASE_RADIUS_M

    @cached_property
    def to_cup_m(self) -> float:
        return float(np.hypot(*(self.cup - (self.x_m, self.y_m))))
