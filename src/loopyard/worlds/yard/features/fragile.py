"""Glasses beside bricks: nothing of the loader may touch one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.worlds.yard import model as m
from loopyard.worlds.yard import placing as p
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

SAFETY_M = 0.3
"""A brick inside this radius of a glass is not required."""
BESIDE_M = (0.20, 0.27)
"""From the middle of a glass to the middle of the brick that it stands beside."""
KEEP_OFF_M = 0.80
"""The axle keeps this far off a glass: the bucket's corners swing 0.73 m around it."""
OTHERS_M = 1.3
"""From a glass to every brick that is required, where there is room for it."""
RADIUS_M, HALF_HEIGHT_M = 0.05, 0.1
WHOLE, BROKEN = 0.55, 0.12
"""Opacity."""


class Fragile(Feature):
    """FM-B05. A glass breaks at the loader's touch, which counts once, and then stops nothing.

    One brick at least stays free of glasses; a glass too many stands by itself.
    """

    name = "fragile"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.fragile > 0

    def __init__(self, params: YardParams) -> None:
        super().__init__(params)
        self._broken = np.zeros(params.fragile, dtype=bool)

    def xml(self) -> str:
        return "".join(
            f'<body name="glass_{index}"><geom class="static" name="glass_{index}" type="cylinder" '
            f'size="{RADIUS_M} {HALF_HEIGHT_M}" pos="0 0 {HALF_HEIGHT_M}" '
            f'rgba=".55 .85 .95 {WHOLE}"/></body>'
            for index in range(self.params.fragile)
        )

    def bind(self, body: YardBody) -> None:
        names = [f"glass_{index}" for index in range(self.params.fragile)]
        self._bodies = [body.model.body(name).id for name in names]
        self._geoms = np.array([body.model.geom(name).id for name in names])

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        required, bricks = scene.required.copy(), scene.bricks.copy()
        self._glasses = np.empty((0, 2))
        free = list(range(len(bricks)))
        for number in range(self.params.fragile):
            if number < len(bricks) - 1:
                others = np.delete(bricks, free[0], axis=0)
                placer.moved(others, scene.loader)
                glass, brick = self._beside(placer, rng)
                bricks[free[0], :2] = brick
                required[free.pop(0)] = False
            else:
                placer.moved(bricks, scene.loader)
                glass = self._place(placer, rng)
            self._glasses = np.vstack([self._glasses, glass])
        placer.moved(bricks, scene.loader)
        return replace(scene, bricks=bricks, required=required)

    def _place(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        def slack_m(at: np.ndarray) -> float:
            from_glasses_m = np.linalg.norm(self._glasses - at, axis=1).min(initial=math.inf)
            return min(
                placer.brick_slack_m(at) - (OTHERS_M - p.BRICK_TO_BRICK_M),
                float(from_glasses_m) - OTHERS_M,
            )

        return placer.draw("glass", p.LOADER_TO_KERB_M, slack_m, rng=rng)

    def _beside(self, placer: Placer, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(2,) a glass and (2,) a brick beside it."""
        glass = self._place(placer, rng)
        angle, apart_m = rng.uniform(-math.pi, math.pi), rng.uniform(*BESIDE_M)
        return glass, glass + apart_m * np.array([math.cos(angle), math.sin(angle)])

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        for at, glass in zip(self._bodies, self._glasses, strict=True):
            body.model.body_pos[at, :2] = glass
        half = np.full((len(self._glasses), 2), KEEP_OFF_M)
        self._keep_out = np.column_stack([self._glasses, np.zeros(len(half)), half])
        self.set_state(np.zeros(self.params.fragile, dtype=bool), body)

    def after(self, body: YardBody) -> dict[str, int]:
        pairs = body.data.contact.geom
        loader = body.model.geom_contype[pairs] == m.LOADER
        touched = np.isin(self._geoms, pairs[loader.any(axis=1)]) & ~self._broken
        if not touched.any():
            return {}
        self.set_state(self._broken | touched, body)
        return {"violation_fragile_contact": int(touched.sum())}

    def tell(self, fields: dict[str, Any]) -> None:
        before = fields.get("keep_out", np.empty((0, 5)))
        fields["keep_out"] = np.concatenate([before, self._keep_out])

    def state(self) -> np.ndarray:
        return self._broken

    def set_state(self, state: np.ndarray, body: YardBody) -> None:
        self._broken = state
        body.model.geom_contype[self._geoms] = np.where(state, 0, m.STATIC)
        body.model.geom_rgba[self._geoms, 3] = np.where(state, BROKEN, WHOLE)
