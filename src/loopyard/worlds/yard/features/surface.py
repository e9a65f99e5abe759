"""A floor that lets wheels slip, and one that mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mujoco
import numpy as np

from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.friction import FLOOR_FRICTION, Friction
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody

MIRRORS = 0.45
"""Share of the light that a wet floor mirrors."""


class Surface(Feature):
    """Friction and mirroring of the floor; the same in every scene of one kind of yard."""

    name = "surface"

    def __init__(self, params: YardParams) -> None:
        super().__init__(params)
        self.mirrors = params.reflective

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.reflective or params.floor_friction != FLOOR_FRICTION

    def assets(self) -> str:
        if not self.params.reflective:
            return ""
        return (
            f'<material name="wet" rgba=".70 .54 .36 1" reflectance="{MIRRORS}" specular=".6" '
            'shininess=".8"/>'
        )

    def bind(self, body: YardBody) -> None:
        model = body.model
        Friction(model).floor(model, self.params.floor_friction)
        if self.params.reflective:
            model.geom_matid[np.flatnonzero(model.geom_contype == m.FLOOR)] = model.mat("wet").id
            planks = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, "planks")
            if planks >= 0:  # they would cover it in the pretty views
                model.geom_rgba[planks, 3] = 0.0
