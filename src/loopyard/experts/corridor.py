"""The corridor's expert: align beside the boxes, pass them, go to the cup.

A pure function of the moment. What it needs to know is in the picture: the camera sees a box until
the base is wholly beyond it, and it turns to the cup only then.
"""

from __future__ import annotations

import numpy as np

from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.truth import CorridorTruth

CLEARANCE_M = 0.14
"""Between the base and a box that it passes."""
TO_WALL_M = 0.12
STOP_SHORT_M = 0.12
"""Not yet beside the way, it stops so far before a box and goes sideways alone."""
CRUISE = 0.80
"""Of full speed: noise on the action can add to it."""
SLOW_NEAR_M = 0.5
SIDEWAYS_GAIN_PER_S = 3.0
ALIGNED_M = 0.03


class CorridorExpert:
    """(2,) or (3,) float32 actions from `CorridorTruth`; equal truths give equal actions."""

    def act(self, truth: CorridorTruth) -> np.ndarray:
        """linear_x in [0, 1], linear_y in [-1, 1], and angular_z where the base turns."""
        full = truth.params.max_speed_mps
        ahead, left = self._velocity(truth)
        # Turned away, the wish is still one in the corridor's frame.
        cos, sin = np.cos(truth.yaw_rad), np.sin(truth.yaw_rad)
        wish = [(ahead * cos + left * sin) / full, (left * cos - ahead * sin) / full]
        if truth.params.turning:
            wish.append(-2.0 * truth.yaw_rad / truth.params.max_turn_radps)
        return np.clip(wish, [0.0] + [-1.0] * (len(wish) - 1), 1.0).astype(np.float32)

    def phase(self, truth: CorridorTruth) -> str:
        """``align``, ``pass`` or ``reach``."""
        if truth.passed.all():
            return "reach"
        return "align" if _aside_m(truth) > ALIGNED_M else "pass"

    def _velocity(self, truth: CorridorTruth) -> tuple[float, float]:
        """Ahead and to the left, metres a second in the corridor's frame."""
        cruise = CRUISE * truth.params.max_speed_mps
        if truth.passed.all():
            return self._to_cup(truth, cruise)
        aside_m = _aside_m(truth)
        left = truth.sign * float(np.clip(SIDEWAYS_GAIN_PER_S * aside_m, -cruise, cruise))
        if aside_m <= ALIGNED_M:
            return cruise, left
        first = truth.boxes[~truth.passed][0]
        room_m = first[0] - first[3] - g.BASE_RADIUS_M - STOP_SHORT_M - truth.x_m
        # As fast as leaves the time to come beside the way before the box.
        return float(np.clip(cruise * room_m / aside_m, 0.0, cruise)), left

    def _to_cup(self, truth: CorridorTruth, cruise: float) -> tuple[float, float]:
        offset = truth.cup - (truth.x_m, truth.y_m)
        distance_m = max(float(np.hypot(*offset)), 1e-6)
        speed = cruise * float(np.clip(distance_m / SLOW_NEAR_M, 0.4, 1.0))
        ahead, left = speed * offset / distance_m
        return max(float(ahead), 0.0), float(left)


def _aside_m(truth: CorridorTruth) -> float:
    """How far it still has to go towards the named side to pass all boxes ahead; negative where it
    is further out than it need be, as far as half a base."""
    boxes, sign = truth.boxes[~truth.passed], truth.sign
    way = float((sign * boxes[:, 1] + boxes[:, 4]).max()) + g.BASE_RADIUS_M + CLEARANCE_M
    way = min(way, truth.params.half_width_m - g.BASE_RADIUS_M - TO_WALL_M)
    aside_m = way - sign * truth.y_m
    return aside_m if aside_m > 0 else min(0.0, aside_m + g.BASE_RADIUS_M / 2)
