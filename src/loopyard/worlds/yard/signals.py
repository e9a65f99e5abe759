"""What a diagnosis reads of the yard: the signals of a moment, and what stands where."""

from __future__ import annotations

import math

import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth

NOTHING = math.inf
"""Distance to what is not there."""

REACH_M = g.bucket_reach_m(0.0) + g.MOUTH_X_M[1]
"""How far ahead of the axle the lowered bucket reaches."""


def yard_signals(
    truth: YardTruth, touching: np.ndarray, velocity_mps: tuple[float, float], turn_radps: float
) -> dict[str, float]:
    """Signals of the moment, named and meant as `loopyard.worlds.world.WorldSignals` says.

    touching: (3,) bool, boundary, furniture and box, as `YardBody` counts them. velocity_mps: x, y
    in the yard's frame.
    """
    ahead_x, ahead_y = math.cos(truth.yaw_rad), math.sin(truth.yaw_rad)
    free = ~(truth.held | truth.delivered)
    nearest_m, nearest_rad = _nearest(truth, truth.bricks[free, :2])
    obstacle_m, obstacle_rad = _nearest(truth, _edges(truth))
    return {
        "x_m": truth.x_m,
        "y_m": truth.y_m,
        "yaw_rad": truth.yaw_rad,
        "speed_mps": velocity_mps[0] * ahead_x + velocity_mps[1] * ahead_y,
        "turn_radps": turn_radps,
        "lift": truth.lift,
        "bucket": truth.bucket,
        "load": float(np.count_nonzero(truth.held)),
        "delivered": float(np.count_nonzero(truth.delivered)),
        "in_mouth": float(np.count_nonzero(truth.in_mouth())),
        "nearest_m": nearest_m,
        "nearest_rad": nearest_rad,
        "obstacle_m": obstacle_m,
        "obstacle_rad": obstacle_rad,
        "boundary_m": truth.params.half_m - max(abs(truth.x_m), abs(truth.y_m)),
        "touching_boundary": float(touching[0]),
        "touching_furniture": float(touching[1]),
        "touching_goal": float(touching[2]),
    }


def yard_layout(truth: YardTruth) -> dict[str, np.ndarray]:
    """What stands where, named and meant as `loopyard.worlds.world.WorldSignals` says."""
    half_m, box_half_m = truth.params.half_m, truth.params.box_side_m / 2
    return {
        "bounds_m": np.array([-half_m, -half_m, half_m, half_m]),
        "targets_m": truth.bricks[:, :2].copy(),
        "goal_m": np.array([*truth.box_m, 0.0, box_half_m, box_half_m]),
        "solids_m": np.array(truth.furniture, float).reshape(-1, 5),
        "reach_m": np.array(REACH_M),
        "capacity": np.array(truth.params.bucket_capacity),
    }


def _nearest(truth: YardTruth, points: np.ndarray) -> tuple[float, float]:
    """Distance of the nearest of (N, 2) points from the axle, and its bearing, left positive."""
    if not len(points):
        return NOTHING, 0.0
    ahead, left = truth.local(points).T
    apart_m = np.hypot(ahead, left)
    nearest = int(apart_m.argmin())
    return float(apart_m[nearest]), math.atan2(left[nearest], ahead[nearest])


def _edges(truth: YardTruth) -> np.ndarray:
    """(M, 2) the point of each solid that is nearest to the axle."""
    solids = truth.furniture
    if not len(solids):
        return solids[:, :2]
    offset = np.array([truth.x_m, truth.y_m]) - solids[:, :2]
    cos, sin = np.cos(solids[:, 2]), np.sin(solids[:, 2])
    along = np.clip(cos * offset[:, 0] + sin * offset[:, 1], -solids[:, 3], solids[:, 3])
    across = np.clip(cos * offset[:, 1] - sin * offset[:, 0], -solids[:, 4], solids[:, 4])
    turned = np.stack([cos * along - sin * across, sin * along + cos * across], axis=1)
    return solids[:, :2] + turned
