"""What a diagnosis reads of the corridor: the signals of a moment, and what stands where."""

from __future__ import annotations

import math

import numpy as np

from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.truth import CorridorTruth


def corridor_signals(
    truth: CorridorTruth, turn_radps: float, touching: tuple[bool, bool], *, reached: bool
) -> dict[str, float]:
    """Signals of the moment, named and meant as `loopyard.worlds.world.WorldSignals` says."""
    cos, sin = math.cos(truth.yaw_rad), math.sin(truth.yaw_rad)

    def bearing(dx: float, dy: float) -> tuple[float, float]:
        return math.hypot(dx, dy), math.atan2(dy * cos - dx * sin, dx * cos + dy * sin)

    cup_m, cup_rad = bearing(*(truth.cup - (truth.x_m, truth.y_m)).tolist())
    edges = []
    for x, y, _, half_x, half_y, _ in truth.boxes.tolist():
        dx = min(max(truth.x_m, x - half_x), x + half_x) - truth.x_m
        dy = min(max(truth.y_m, y - half_y), y + half_y) - truth.y_m
        edges.append(bearing(dx, dy))
    obstacle_m, obstacle_rad = min(edges)
    ahead = truth.boxes[~truth.passed]
    side_m, half_y_m = math.inf, 0.0
    if len(ahead):
        side_m, half_y_m = truth.sign * (truth.y_m - float(ahead[0, 1])), float(ahead[0, 4])
    wall, box = touching
    return {
        "x_m": truth.x_m,
        "y_m": truth.y_m,
        "yaw_rad": truth.yaw_rad,
        "speed_mps": truth.vx_mps * cos + truth.vy_mps * sin,
        "turn_radps": turn_radps,
        "delivered": float(reached),
        "nearest_m": cup_m,
        "nearest_rad": cup_rad,
        "obstacle_m": obstacle_m,
        "obstacle_rad": obstacle_rad,
        "side_m": side_m,
        "clear_m": side_m - half_y_m - g.BASE_RADIUS_M,
        "boundary_m": truth.params.half_width_m - abs(truth.y_m),
        "touching_boundary": float(wall),
        "touching_furniture": float(box),
    }


def corridor_layout(truth: CorridorTruth) -> dict[str, np.ndarray]:
    """What stands where, named and meant as `loopyard.worlds.world.WorldSignals` says."""
    wide = truth.params.half_width_m
    return {
        "bounds_m": np.array([-g.BEHIND_M, -wide, g.BEYOND_M, wide]),
        "targets_m": truth.cup[None].copy(),
        "goal_m": np.array([*truth.cup, 0.0, g.REACH_M, g.REACH_M]),
        "solids_m": truth.boxes[:, :5].copy(),
        "reach_m": np.array(g.REACH_M),
        "capacity": np.array(1),
    }
