"""How someone walks a yard: towards a place, round what stands in the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TURNS_RAD = (0.0, 0.35, -0.35, 0.7, -0.7, 1.05, -1.05, 1.4, -1.4, 1.9, -1.9)
"""Ways aside that are tried, the straightest first."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Ground:
    """What a walker keeps off.

    solids: (x, y, cos, sin, half length, half width) of each rectangle. keep_m: from their edges.
    limit_m: both coordinates stay within it; infinite for someone who may leave the yard.
    """

    solids: tuple[tuple[float, ...], ...]
    keep_m: float
    limit_m: float

    @classmethod
    def of(cls, rows: np.ndarray, keep_m: float, limit_m: float) -> Ground:
        """Of rows (M, 5 or more): x, y, yaw and half extents."""
        solids = tuple(
            (float(x), float(y), math.cos(yaw), math.sin(yaw), float(half_x), float(half_y))
            for x, y, yaw, half_x, half_y in rows[:, :5]
        )
        return cls(solids, keep_m, limit_m)

    def clear(self, at: Place) -> bool:
        """Is this a place to stand?"""
        return max(abs(at[0]), abs(at[1])) <= self.limit_m and all(
            _outside_m(at, solid) >= self.keep_m for solid in self.solids
        )

    def clear_line(self, start: Place, end: Place) -> bool:
        """May one walk straight from here to there?"""
        steps = max(2, math.ceil(math.dist(start, end) / 0.15))
        return all(
            self.clear(_between(start, end, number / steps)) for number in range(1, steps + 1)
        )

    def step(
        self, at: Place, goal: Place, length_m: float, off: Place, off_m: float
    ) -> tuple[Place, float]:
        """Where one step leads, and its heading. Nobody steps nearer than off_m to ``off``, unless
        it leads away from it; where no way is free one stays."""
        straight = math.atan2(goal[1] - at[1], goal[0] - at[0])
        length_m = min(length_m, math.dist(at, goal))
        apart_m = math.dist(at, off)
        for turn in TURNS_RAD:
            heading = straight + turn
            there = at[0] + length_m * math.cos(heading), at[1] + length_m * math.sin(heading)
            if self.clear(there) and math.dist(there, off) >= min(off_m, apart_m):
                return there, heading
        return at, straight


def _outside_m(at: Place, solid: Sequence[float]) -> float:
    """Distance to a rectangle's edge; 0 inside."""
    x, y, cos, sin, half_x, half_y = solid
    dx, dy = at[0] - x, at[1] - y
    along, across = abs(cos * dx + sin * dy) - half_x, abs(cos * dy - sin * dx) - half_y
    return math.hypot(max(along, 0.0), max(across, 0.0))


def _between(start: Place, end: Place, share: float) -> Place:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
