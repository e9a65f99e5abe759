"""Bricks of many sizes, and bricks that are glued to the floor."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import placing as p
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

SIZES_M = {
    "tiny": (0.055, 0.0375, 0.0325),
    "small": (0.0825, 0.05625, 0.04875),
    "medium": (g.BRICK.x_m, g.BRICK.y_m, g.BRICK.z_m),
    "large": (0.143, 0.0975, 0.0845),
    "xlarge": (g.SLAB.x_m, g.SLAB.y_m, g.SLAB.z_m),
}
"""Half extents: 0.5, 0.75, 1 and 1.3 times a brick, and a slab wider than the bucket's mouth."""

MIXES = {
    "mixed_large": {"small": 0.1, "medium": 0.2, "large": 0.4, "xlarge": 0.3},
    "mixed_tiny": {"tiny": 0.5, "small": 0.3, "medium": 0.2},
}
SLAB_FURTHER_M = 0.3
"""A slab keeps this much more than a brick's distance from all other things."""


class BrickSizes(Feature):
    """Each brick has a size of its own. What does not fit the bucket is not required."""

    name = "brick_sizes"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.brick_sizes != "same"

    def bind(self, body: YardBody) -> None:
        self._joints = [body.model.joint(f"brick_{i}").dofadr[0] for i in range(self.params.bricks)]
        bodies = [body.model.body(f"brick_{i}").id for i in range(self.params.bricks)]
        studs = [body.model.geom(f"stud_0_{k}").id for k in range(8)]
        self._bodies = bodies
        self._base_stud_size = body.model.geom_size[studs[0]].copy()
        self._base_stud_pos = body.model.geom_pos[studs].copy()
        self._base_invweight = body.model.body_invweight0[bodies[0]].copy()
        self._base_inertia = body.model.body_inertia[bodies[0]].copy()

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        mix = MIXES[self.params.brick_sizes]
        kinds = rng.choice(list(mix), size=self.params.bricks, p=list(mix.values()))
        if (kinds == "xlarge").all():
            kinds[0] = "large"  # something has to be left to do
        half_m = np.array([SIZES_M[kind] for kind in kinds])
        fits = half_m[:, 1] < g.MOUTH_HALF_WIDTH_M
        bricks = scene.bricks.copy()
        for index in np.flatnonzero(~fits):
            placer.moved(np.delete(bricks, index, axis=0), scene.loader)
            bricks[index, :2] = placer.draw(
                "xlarge brick",
                p.BRICK_TO_KERB_M + SLAB_FURTHER_M,
                lambda at: placer.brick_slack_m(at) - SLAB_FURTHER_M,
                rng=rng,
                hopeless_m=SLAB_FURTHER_M,
            )
        placer.moved(bricks, scene.loader)
        return replace(scene, bricks=bricks, brick_half_m=half_m, required=scene.required & fits)

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        for index, half in enumerate(scene.brick_half_m):
            self._resize(body, index, half)

    def _resize(self, body: YardBody, index: int, half_m: np.ndarray) -> None:
        """Everything in the model that follows from a brick's size, its density kept."""
        model, geom = body.model, body._brick_geom[index]
        scale = half_m / SIZES_M["medium"]
        mass_kg = g.BRICK_MASS_KG * float(scale.prod())
        inertia = mass_kg / 3 * (half_m @ half_m - half_m**2)
        model.geom_size[geom] = half_m
        model.geom_rbound[geom] = math.hypot(*half_m)
        model.geom_aabb[geom] = (0.0, 0.0, 0.0, *half_m)
        at, dof = self._bodies[index], self._joints[index]
        model.body_mass[at] = model.body_subtreemass[at] = mass_kg
        model.body_inertia[at] = inertia
        # How readily it gives way: what MuJoCo scales the softness of its constraints by.
        lighter = g.BRICK_MASS_KG / mass_kg, float(self._base_inertia.mean() / inertia.mean())
        model.body_invweight0[at] = self._base_invweight * lighter
        model.dof_invweight0[dof : dof + 3] = model.body_invweight0[at, 0]
        model.dof_invweight0[dof + 3 : dof + 6] = model.body_invweight0[at, 1]
        model.dof_M0[dof : dof + 6] = (mass_kg,) * 3 + tuple(inertia)
        studs = body._stud_geom[index]
        model.geom_size[studs] = self._base_stud_size * min(scale[:2])
        model.geom_pos[studs] = self._base_stud_pos * scale
        model.geom_rbound[studs] = np.linalg.norm(model.geom_size[studs][:, :2], axis=1)


class StuckBricks(Feature):
    """The last ``stuck_bricks`` bricks are welded to the floor, and so not required.

    Each time the bucket closes on one in vain counts as a try. Remembered between ticks: which of
    them the present closing has counted.
    """

    name = "stuck_bricks"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.stuck_bricks > 0

    def __init__(self, params: YardParams) -> None:
        super().__init__(params)
        self._glued = np.arange(params.bricks) >= params.bricks - params.stuck_bricks
        self._counted = np.zeros(params.bricks, dtype=bool)

    def equality(self) -> str:
        return "".join(
            f'<weld name="stuck_{index}" body1="brick_{index}" solref=".0125 1" '
            f'solimp=".99 .995 .001"/>'
            for index in np.flatnonzero(self._glued)
        )

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        return replace(scene, stuck=self._glued.copy(), required=scene.required & ~self._glued)

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        self._counted = np.zeros(self.params.bricks, dtype=bool)
        for index in np.flatnonzero(self._glued):
            pose = body.data.qpos[body._brick_q[index] : body._brick_q[index] + 7]
            back = np.zeros(4)
            mujoco.mju_negQuat(back, pose[3:])
            # A weld's anchor in the world, where that is in the brick, how the world is turned.
            weld = body.model.equality(f"stuck_{index}").id
            body.model.eq_data[weld, :11] = (*pose[:3], 0.0, 0.0, 0.0, *back, 1.0)

    def after(self, body: YardBody) -> dict[str, int]:
        lift, bucket = body._lift_and_bucket()
        if bucket < g.HOLD_ABOVE:
            self._counted = np.zeros_like(self._counted)
        elif bucket < g.HOLD_UNTIL and lift < g.HOLD_LIFT:
            vain = self._glued & body.truth().in_mouth() & ~self._counted
            body.tries = body.tries + vain
            self._counted = self._counted | vain
        return {}

    def state(self) -> np.ndarray:
        return self._counted

    def set_state(self, state: np.ndarray, body: YardBody) -> None:
        self._counted = state
