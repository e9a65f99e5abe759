"""A floor that rises and falls along one axis and is level along the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.features.slabs import THICK_M, lay

LOADER_FEET_M = np.array(
    [(0.0, 0.23), (0.0, -0.23), (-0.34, 0.14), (-0.34, -0.14), (g.CHASSIS_FRONT_M, 0.0)]
)
"""Where the loader stands, and the front edge that must not stand in the floor."""


@dataclass(frozen=True)
class Profile:
    """Heights of the floor over one axis (0: x, 1: y), straight lines between knots.

    knots: (K, 2) place along the axis, rising, and height there. Level beyond the outer ones.
    """

    axis: int
    knots: np.ndarray

    def height_m(self, points_m: np.ndarray) -> np.ndarray:
        """(...) heights of the floor under points (..., 2 or more)."""
        return np.interp(points_m[..., self.axis], self.knots[:, 0], self.knots[:, 1])

    def lay(self, model: mujoco.MjModel, names: list[str], half_width_m: float) -> None:
        """One slab for each stretch between knots, as wide as the floor."""
        for name, low, high in zip(names, self.knots[:-1], self.knots[1:], strict=True):
            run, rise = high - low
            angle, half = math.atan2(rise, run), math.hypot(run, rise) / 2
            middle = (low + high) / 2 - THICK_M / 2 * np.array([-math.sin(angle), math.cos(angle)])
            flip = slice(None, None, 1 if self.axis == 0 else -1)
            lay(
                model,
                name,
                (*(middle[0], 0.0)[flip], middle[1]),
                (*(half, half_width_m)[flip], THICK_M / 2),
                self._tilt(angle),
            )

    def rest(self, pose: np.ndarray, feet_m: np.ndarray, up_m: float = 0.0) -> np.ndarray:
        """(7,) position and quaternion of something that lies on the floor at pose (3,) x, y, yaw.

        feet_m: (F, 2) where it stands, in its own frame. up_m: its origin over its feet. Tilted
        as the floor where that is one plane under all of its feet, else level on the highest.
        """
        x, y, yaw = pose
        turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
        feet = feet_m @ turn.T + (x, y)
        stretch = np.unique(np.searchsorted(self.knots[:, 0], feet[:, self.axis]))
        angle, floor_m = 0.0, float(self.height_m(feet).max())
        if len(stretch) == 1:
            at = int(stretch[0])
            floor_m = float(self.height_m(np.array([x, y])))
            if 0 < at < len(self.knots):
                run, rise = self.knots[at] - self.knots[at - 1]
                angle = math.atan2(rise, run)
        place = np.array([x, y, floor_m + up_m * math.cos(angle)])
        place[self.axis] -= up_m * math.sin(angle)
        quat = np.empty(4)
        heading = np.array([math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)])
        mujoco.mju_mulQuat(quat, np.array(self._tilt(angle)), heading)
        return np.concatenate([place, quat])

    def _tilt(self, angle: float) -> tuple[float, float, float, float]:
        """The turn that makes level ground rise by this angle along the axis."""
        cos, sin = math.cos(angle / 2), math.sin(angle / 2)
        return (cos, 0.0, -sin, 0.0) if self.axis == 0 else (cos, sin, 0.0, 0.0)
