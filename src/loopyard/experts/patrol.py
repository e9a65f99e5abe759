"""Where to drive while no brick is in sight: round the room, a pure function of the pose.

In a room that the camera does not see across, turning on the spot finds nothing new. The patrol
goes round a square, counter-clockwise. Its corners are turned on the spot, to the left, and it is
there that the camera sweeps the middle of the room; driving a circle it would never look there.
"""

from __future__ import annotations

import math

import numpy as np

from loopyard.experts.steering import ways_to
from loopyard.worlds.yard.truth import YardTruth

SQUARE = 0.6
"""Half the square's side, in parts of the room's: corners of the room are then near its legs."""
PULL_PER_M = 0.35
"""How strongly the way leans towards the square's side, for each metre off it."""
AHEAD_M = 3.0
"""So far ahead lies the place it drives for: further than any furniture is long, so that a piece in
the way is seen to be one from where the bucket can still turn."""
TO_KERB_M = 0.8
BACK_M = 2.0
"""Furniture at a corner may send it so far back from the next side; heading along that one rather
than along this, it goes on to the next, or the two ways would take turns for ever."""


def patrol_waypoint(truth: YardTruth) -> np.ndarray:
    """(2,) the place to drive for: ahead on the patrol, or on the way round what stands before it.

    The room's diagonals part it into four; in each one the way leads along a side of the square.
    """
    here = np.array([truth.x_m, truth.y_m])
    heading = np.array([math.cos(truth.yaw_rad), math.sin(truth.yaw_rad)])
    outward = _side(here)
    along = np.array([-outward[1], outward[0]])
    is_near_next = here @ along > here @ outward - BACK_M
    if is_near_next and heading @ -outward > heading @ along:
        outward, along = along, -outward
    off_m = here @ outward - SQUARE * truth.params.half_m
    way = along - PULL_PER_M * off_m * outward
    limit = truth.params.half_m - TO_KERB_M
    goal = np.clip(here + AHEAD_M * way / np.linalg.norm(way), -limit, limit)
    return ways_to(truth, goal[None], with_box=True).waypoints[0]


def _side(here: np.ndarray) -> np.ndarray:
    """(2,) unit vector from the room's middle towards the side whose quarter this place is in."""
    x, y = here
    if abs(x) > abs(y):
        return np.array([1.0 if x > 0 else -1.0, 0.0])
    return np.array([0.0, 1.0 if y > 0 else -1.0])
