"""The glue world's dot, with the signals that a diagnosis reads."""

from __future__ import annotations

import math

import numpy as np
from glue_world import GlueWorld


class SignalWorld(GlueWorld):
    """The dot is to reach its target; it has no tool, so nothing is ever held."""

    def signals(self) -> dict[str, float]:
        way = self.target - self.place
        return {
            "x_m": float(self.place[0]),
            "y_m": float(self.place[1]),
            "yaw_rad": 0.0,
            "load": 0.0,
            "delivered": 0.0,
            "nearest_m": float(np.linalg.norm(way)),
            "nearest_rad": math.atan2(way[1], way[0]),
        }

    def layout(self) -> dict[str, np.ndarray]:
        return {"targets_m": self.target[None], "bounds_m": np.array([-2.0, -2.0, 2.0, 2.0])}
