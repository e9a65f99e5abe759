"""Where to look for bricks in a yard that a partition divides: in the part where some are left.

The patrol goes round a room, and half a room is none. In a part the loader drives to a lookout and
turns there on the spot.
"""

from __future__ import annotations

import math

import numpy as np

from loopyard.experts.steering import ways_to
from loopyard.worlds.yard.truth import Annex, YardTruth

BEFORE_DOOR_M, BEHIND_DOOR_M = 1.3, 1.05
"""So far from the door lies the place to pass it by, and the lookout behind it."""
ARRIVED_M = 0.4
LOOKOUTS = 9
TO_SOLIDS_M = 1.2


def lookout(truth: YardTruth, annex: Annex, wanted: np.ndarray) -> np.ndarray | None:
    """(2,) the waypoint to where bricks are to be looked for; None where the loader is there.

    wanted: (N,) bool, bricks to be fetched of which one could know.
    """
    here = truth.here
    inward = np.array([math.cos(annex.yaw_rad), math.sin(annex.yaw_rad)])
    is_inside = bool((here - annex.door_m) @ inward > 0)
    beyond = (truth.bricks[:, :2] - annex.door_m) @ inward > 0
    if annex.is_open and (wanted & beyond).any():
        goal = annex.door_m + BEHIND_DOOR_M * inward
    elif is_inside:
        goal = annex.door_m - BEFORE_DOOR_M * inward
    else:
        goal = _middle(truth, annex, inward)
    if np.linalg.norm(goal - here) < ARRIVED_M:
        return None
    return ways_to(truth, goal[None], with_box=True).waypoints[0]


def _middle(truth: YardTruth, annex: Annex, inward: np.ndarray) -> np.ndarray:
    """(2,) the place nearest the middle of the larger part that is clear of furniture."""
    half_m, across = truth.params.half_m, np.array([-inward[1], inward[0]])
    middle = inward * (float(annex.door_m @ inward) - half_m) / 2
    places = middle + np.linspace(0.0, half_m / 2, LOOKOUTS)[:, None] * across
    places = np.concatenate([places, 2 * middle - places])
    solids = np.array([row for row in truth.furniture if max(row[3:5]) < half_m / 2])
    if not len(solids):
        return middle
    off_m = np.linalg.norm(places[:, None] - solids[None, :, :2], axis=2).min(axis=1)
    clear = places[off_m > TO_SOLIDS_M]
    if not len(clear):
        return middle
    return clear[np.linalg.norm(clear - middle, axis=1).argmin()]
