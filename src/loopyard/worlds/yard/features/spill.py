"""A bucket with little friction: a load slides out in a turn that is taken too fast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody

GRAVITY_MPS2 = 9.81
PLAIN_FRICTION = YardParams.model_fields["bucket_friction"].default
BESIDE_M = 0.42
"""From the bucket's middle to where a brick that slid over the cheek begins to fall."""
THROWN_MPS = 0.4
ALONG_M = (0.13, -0.05, 0.3)
"""How far from the hinge, by slot: bricks that slide out in one turn do not fall on each other."""


class Spill(Feature):
    """Coulomb's law for a load in the bucket, as a rule.

    In a steady turn the bucket is accelerated sideways by v w, the loader's forward speed times its
    turning rate; friction can give mu g at most. Where v w > mu g at the end of a control tick, the
    brick that was taken last slides out over the outer cheek and falls beside the bucket. The
    onset of a turn (the bucket's reach times its angular acceleration) is left out: it is over
    before a brick has slid a centimetre.
    """

    name = "spill"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.bucket_friction < PLAIN_FRICTION

    def __init__(self, params: YardParams) -> None:
        super().__init__(params)
        self.limit_mps2 = params.bucket_friction * GRAVITY_MPS2

    def tell(self, fields: dict[str, Any]) -> None:
        fields["spill_mps2"] = self.limit_mps2

    def after(self, body: YardBody) -> dict[str, int]:
        if not (body.slots >= 0).any():
            return {}
        truth = body.truth()
        velocity = body.data.qvel[body._loader_v : body._loader_v + 6]
        ahead = np.array([math.cos(truth.yaw_rad), math.sin(truth.yaw_rad)])
        sideways_mps2 = float(velocity[:2] @ ahead) * float(velocity[5])
        if abs(sideways_mps2) <= self.limit_mps2:
            return {}
        index = int(body.slots.argmax())
        # Turning left, it slides to the right.
        side = -math.copysign(1.0, sideways_mps2)
        self._throw(body, index, side, velocity[:2])
        return {"brick_dropped": 1}

    def _throw(self, body: YardBody, index: int, side: float, velocity: np.ndarray) -> None:
        truth, slot = body.truth(), int(body.slots[index])
        reach_m = g.bucket_reach_m(truth.lift) + ALONG_M[slot % len(ALONG_M)]
        limit_m = body.params.half_m - g.KERB_M
        across = np.array([-math.sin(truth.yaw_rad), math.cos(truth.yaw_rad)]) * side
        at, v = body._brick_q[index], body._brick_v[index]
        body.slots[index] = -1
        body._apply_holds()
        # The kerb is lower than the bucket: what would fall beyond it slides out in front.
        place = np.clip(truth.ahead(reach_m, side * BESIDE_M), -limit_m, limit_m)
        body.data.qpos[at : at + 2] = place
        body.data.qvel[v : v + 6] = 0.0
        body.data.qvel[v : v + 2] = velocity + THROWN_MPS * across
        mujoco.mj_kinematics(body.model, body.data)
        mujoco.mj_comPos(body.model, body.data)
