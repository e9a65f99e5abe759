"""What a diagnosis reads of the yard: the signals of a moment, and what stands where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth

NOTHING = math.inf
"""Distance to what is not there."""

REACH_M = g.bucket_reach_m(0.0) + g.MOUTH_X_M[1]
"""How far ahead of the axle the lowered bucket reaches."""
IN_REACH_M = 1.0
"""A brick in the mouth is nearer than this, wherever the lift stands."""


def yard_signals(
    truth: YardTruth, touching: np.ndarray, velocity_mps: tuple[float, float], turn_radps: float
) -> dict[str, float]:
    """Signals of the moment, named and meant as `loopyard.worlds.world.WorldSignals` says.

    touching: (3,) bool, boundary, furniture and box, as `YardBody` counts them. velocity_mps: x, y
    in the yard's frame.

    It runs in every tick of every rollout: plain floats, because numpy takes longer over so few.
    """
    cos, sin = math.cos(truth.yaw_rad), math.sin(truth.yaw_rad)
    held, delivered = truth.held.tolist(), truth.delivered.tolist()
    free = (
        place[:2]
        for place, *done in zip(truth.bricks.tolist(), held, delivered, strict=True)
        if not any(done)
    )
    nearest_m, nearest_rad = _nearest(truth, free, cos, sin)
    edges = (_edge(truth.x_m, truth.y_m, *solid) for solid in truth.furniture.tolist())
    obstacle_m, obstacle_rad = _nearest(truth, edges, cos, sin)
    boundary, furniture, goal = touching.tolist()
    return {
        "x_m": truth.x_m,
        "y_m": truth.y_m,
        "yaw_rad": truth.yaw_rad,
        "speed_mps": velocity_mps[0] * cos + velocity_mps[1] * sin,
        "turn_radps": turn_radps,
        "lift": truth.lift,
        "bucket": truth.bucket,
        "load": sum(held),
        "delivered": sum(delivered),
        "in_mouth": int(truth.in_mouth().sum()) if nearest_m < IN_REACH_M else 0,
        "nearest_m": nearest_m,
        "nearest_rad": nearest_rad,
        "obstacle_m": obstacle_m,
        "obstacle_rad": obstacle_rad,
        "boundary_m": truth.params.half_m - max(abs(truth.x_m), abs(truth.y_m)),
        "touching_boundary": boundary,
        "touching_furniture": furniture,
        "touching_goal": goal,
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


def _nearest(
    truth: YardTruth, points: Iterable[Sequence[float]], cos: float, sin: float
) -> tuple[float, float]:
    """Distance of the nearest point x, y from the axle, and its bearing, left positive."""
    nearest_m2, ahead, left = NOTHING, 1.0, 0.0
    for x, y in points:
        dx, dy = x - truth.x_m, y - truth.y_m
        apart_m2 = dx * dx + dy * dy
        if apart_m2 < nearest_m2:
            nearest_m2, ahead, left = apart_m2, dx * cos + dy * sin, dy * cos - dx * sin
    return math.sqrt(nearest_m2), math.atan2(left, ahead)


def _edge(
    x_m: float, y_m: float, at_x: float, at_y: float, yaw: float, half_x: float, half_y: float
) -> tuple[float, float]:
    """The point of a solid that is nearest to x_m, y_m."""
    cos, sin, dx, dy = math.cos(yaw), math.sin(yaw), x_m - at_x, y_m - at_y
    along = max(-half_x, min(half_x, dx * cos + dy * sin))
    across = max(-half_y, min(half_y, dy * cos - dx * sin))
    return at_x + along * cos - across * sin, at_y + along * sin + across * cos
