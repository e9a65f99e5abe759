"""Where to drive while no brick is in sight: round the room, a pure function of the pose.

In a room that the camera does not see across, turning on the spot finds nothing new. The patrol
pursues a point that runs ahead of it, counter-clockwise, on a clover of four leaves. On a circle
the camera would never look at the middle of the room; leaving a leaf it does.

The point moves only as far as the loader does. A square with the next corner for a goal swept the
room as well, but a piece of furniture at the corner could send the loader back over the line from
which on the corner before is the goal, and so for ever to and fro.
"""

from __future__ import annotations

import math

import numpy as np

from loopyard.experts.steering import ways_to
from loopyard.worlds.yard.truth import YardTruth

LEAD_RAD = 0.6
"""So far ahead runs the point, seen from the room's middle."""
LEAVES, MIDDLE_RADIUS, LEAF = 4, 0.667, 0.45
"""The clover: its mean radius in parts of the room's half, and how far its leaves reach beyond, in
parts of that. They point into the corners. The loader itself keeps well inside of it."""
TO_KERB_M = 0.8


def patrol_waypoint(truth: YardTruth) -> np.ndarray:
    """(2,) the place to drive for: ahead on the patrol, or on the way round what stands before."""
    angle = math.atan2(truth.y_m, truth.x_m) + LEAD_RAD
    reach = 1.0 + LEAF * math.cos(LEAVES * (angle - math.pi / 4))
    radius_m = MIDDLE_RADIUS * truth.params.half_m * reach
    limit = truth.params.half_m - TO_KERB_M
    goal = np.clip([radius_m * math.cos(angle), radius_m * math.sin(angle)], -limit, limit)
    return ways_to(truth, goal[None], with_box=True).waypoints[0]
