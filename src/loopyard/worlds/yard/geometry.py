"""Measures of the loader, its bucket and a brick, in metres, radians and kilograms.

The loader's frame: origin on the ground under the middle of the driven axle, x forward, y left,
z up. The bucket's frame: origin at the bucket's hinge, x into the mouth, so that at tilt 0 the
mouth looks forward and at CURL_RAD it looks up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WHEEL_RADIUS_M = 0.14
WHEEL_TRACK_M = 0.46
LOADER_WIDTH_M = WHEEL_TRACK_M + 2 * WHEEL_RADIUS_M
"""Over the wheels, which are spheres to what they touch."""
CHASSIS_FRONT_M = 0.24
CHASSIS_REAR_M = 0.46
CHASSIS_HALF_WIDTH_M = 0.21

BOOM_PIVOT_X_M = -0.05
BOOM_PIVOT_Z_M = 0.42
BOOM_LENGTH_M = 0.552
LIFT_LOW_RAD = -0.553
"""The bucket's hinge is 0.13 m over the floor: the mouth's lower edge clears it by 2 cm."""
LIFT_HIGH_RAD = 0.145
"""The hinge stands 0.50 m over the floor: a curled bucket clears the rim of the box."""
CURL_RAD = 1.31

BUCKET_DEPTH_M = 0.26
BUCKET_HALF_WIDTH_M = 0.24
BUCKET_HALF_HEIGHT_M = 0.11
MOUTH_X_M = (-0.02, 0.24)
"""A brick whose middle is this far in front of the hinge is in the mouth."""
MOUTH_HALF_WIDTH_M = 0.22

HOLD_ABOVE = 0.5
HOLD_UNTIL = 0.9
HOLD_LIFT = 0.25
"""Curling through this part of the way, low over the floor, takes the bricks in the mouth."""
RELEASE_BELOW = 0.4
"""Opening below this share of the way lets go, if the lift is over RELEASE_LIFT."""
RELEASE_LIFT = 0.5

LIFT_RATE_PER_S = 1.2
BUCKET_RATE_PER_S = 2.0
"""How fast a full lever moves the target over its 0..1 travel."""

BOX_WALL_HEIGHT_M = 0.22
BOX_WALL_M = 0.03
BOX_HEAP_M = 0.50
"""A brick inside the walls, under this and not falling, is delivered: it may lie on others."""
BUCKET_AWAY_M = 0.5
"""Higher ones, on a heap, count once the bucket, which may still bear them, is so far off."""
AT_REST_MPS = 0.3
KERB_HEIGHT_M = 0.13
KERB_M = 0.06

EGO_POSITION_M = (0.0, 0.0, 0.95)
EGO_PITCH_RAD = math.radians(36.0)
EGO_FOVY_DEG = 84.0


@dataclass(frozen=True)
class BrickSize:
    """Half extents of a brick: a 2 x 4 block with studs, on a loader's scale."""

    x_m: float = 0.11
    y_m: float = 0.075
    z_m: float = 0.065


BRICK = BrickSize()
SLAB = BrickSize(0.30, 0.24, 0.10)
"""A brick wider than the bucket's mouth."""
BRICK_MASS_KG = 0.4
SLOTS_M = tuple((x, y, z) for z in (0.0, 0.14) for y in (0.0, -0.14, 0.14) for x in (0.10,))
"""Where held bricks ride, in the bucket's frame."""


def bucket_reach_m(lift: float) -> float:
    """Distance of the bucket's hinge in front of the axle at a lift of 0..1."""
    angle = LIFT_LOW_RAD + lift * (LIFT_HIGH_RAD - LIFT_LOW_RAD)
    return BOOM_PIVOT_X_M + BOOM_LENGTH_M * math.cos(angle)
