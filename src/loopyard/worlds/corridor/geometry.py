"""Sizes and places in the corridor: metres; x ahead, y to the left, z up."""

from __future__ import annotations

BASE_RADIUS_M = 0.18
BASE_HEIGHT_M = 0.24
BASE_MASS_KG = 12.0
LAG_S = 0.15
"""Time constant with which the base follows a velocity that it is sent."""

EGO_POSITION_M = (-0.30, 0.0, 0.85)
"""Behind the middle: the picture shows the base itself, and a box until it is passed."""
EGO_PITCH_DEG = 28.0
EGO_FOVY_DEG = 78.0

BOX_HALF_M = {"vertical": (0.13, 0.13, 0.30), "horizontal": (0.13, 0.30, 0.15)}
CUP_RADIUS_M, CUP_HALF_HEIGHT_M = 0.05, 0.07
REACH_M = 0.36
"""The cup is reached when the base's middle is so near to its own."""
PAST_CUP_M = 0.30
"""The base cannot drive backward: this far beyond the cup, the cup is missed."""

WALL_HEIGHT_M = 0.45
BEHIND_M, BEYOND_M = 1.2, 7.0
"""The corridor reaches from so far behind the start to so far ahead of it."""

FRONT_M = {
    **{"close": (1.0, 1.3), "medium": (1.5, 1.9), "far": (2.2, 2.7)},
    **{"stop": (0.50, 0.65), "turn": (0.55, 0.75)},
}
"""From the start's middle to the first box's face; the last two are of cases to validate on."""
