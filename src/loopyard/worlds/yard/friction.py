"""Friction of the yard's floor and bucket, as it can be changed while the model lives.

MuJoCo takes the larger friction of two geoms in contact, so a slippery floor needs slippery wheels
and bricks: the wheels' friction goes with the floor's, and a brick has the floor's own.
"""

from __future__ import annotations

import mujoco
import numpy as np

from loopyard.worlds.yard import model as m

FLOOR_FRICTION = 0.6
WHEELS = ("wheel_left", "wheel_right")


class Friction:
    """The sliding friction a model was built with, and ways to change it and to set it back."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._built = model.geom_friction[:, 0].copy()
        self._wheels = np.array([model.geom(name).id for name in WHEELS])
        ground = (model.geom_contype == m.FLOOR) | (model.geom_contype == m.BRICK)
        self._ground = np.flatnonzero(ground)
        self._bucket = np.flatnonzero(model.geom_bodyid == model.body("bucket").id)

    def floor(self, model: mujoco.MjModel, friction: float) -> None:
        """Of the floor against bricks; against wheels in proportion."""
        model.geom_friction[self._ground, 0] = friction
        slip = friction / FLOOR_FRICTION
        model.geom_friction[self._wheels, 0] = self._built[self._wheels] * slip

    def bucket(self, model: mujoco.MjModel, friction: float) -> None:
        """Of the bucket's plates."""
        model.geom_friction[self._bucket, 0] = friction

    def reset(self, model: mujoco.MjModel) -> None:
        """As the model was built."""
        model.geom_friction[:, 0] = self._built
