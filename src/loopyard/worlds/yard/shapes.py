"""Boxes that a scene gives another size or place than the model was built with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mujoco
import numpy as np


def resize_box(model: mujoco.MjModel, geom: int, half_m: Sequence[float] | np.ndarray) -> None:
    """Give a box geom other half extents (3,), where it is the only geom of its body that touches.

    The size alone would not do: contacts are looked for within the bounding sphere, the bounding
    box and the body's node in the collision tree, and beyond these the box would be thin air. The
    tree's boxes are in the body's inertial frame, taken to be unturned.
    """
    body = model.geom_bodyid[geom]
    model.geom_size[geom] = half_m
    model.geom_rbound[geom] = math.hypot(*half_m)
    model.geom_aabb[geom, 3:] = half_m
    node = model.bvh_aabb[model.body_bvhadr[body]]
    node[:3] = model.geom_pos[geom] - model.body_ipos[body]
    node[3:] = half_m
