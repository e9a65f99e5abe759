"""An uneven floor: shallow bumps all over it, and a bucket that touches the ground."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.scene import Scene

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody

BALL_M = 0.6
"""A bump is the cap of a ball of this radius: round, so that nothing catches on a rim."""
TALL_M = (0.005, 0.018)
PER_M2 = 1.2
FROM_BRICK_M, FROM_LOADER_M, FROM_BOX_M = 0.32, 0.6, 0.2
"""From the middle of a brick or the loader, and from the box, to the middle of a bump."""
TRIES = 40
RGBA = ".58 .44 .29 1"
AWAY_M = -10.0
"""Deep under the floor: where a bump lies that found no place."""


class Uneven(Feature):
    name = "uneven"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.terrain == "uneven"

    @property
    def _count(self) -> int:
        return round(PER_M2 * (2 * self.params.half_m) ** 2)

    def xml(self) -> str:
        return "".join(
            f'<body name="bump_{index}"><geom name="bump_{index}" type="sphere" size="{BALL_M}" '
            f'contype="{m.FLOOR}" conaffinity="0" group="{m.HIDDEN}"/>'
            f'<geom class="look" name="cap_{index}" type="ellipsoid" size=".1 .1 .01" pos="0 0 .5" '
            f'rgba="{RGBA}"/></body>'
            for index in range(self._count)
        )

    def bind(self, body: YardBody) -> None:
        self._bumps = [body.model.body(f"bump_{index}").id for index in range(self._count)]
        self._caps = [body.model.geom(f"cap_{index}").id for index in range(self._count)]
        for name in ("back_plate", "cheek_left", "cheek_right"):
            body.model.geom_conaffinity[body.model.geom(name).id] |= m.FLOOR

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        rng = stream("yard-bumps", *key)
        for bump, cap in zip(self._bumps, self._caps, strict=True):
            tall_m = rng.uniform(*TALL_M)
            at = self._free_place(scene, rng)
            depth_m = AWAY_M if at is None else tall_m - BALL_M
            body.model.body_pos[bump] = (*(np.zeros(2) if at is None else at), depth_m)
            # What is drawn is the part over the floor: the ball would show beside the room.
            wide_m = math.sqrt(tall_m * (2 * BALL_M - tall_m))
            body.model.geom_size[cap] = wide_m, wide_m, tall_m
            body.model.geom_pos[cap, 2] = BALL_M - tall_m

    def _free_place(self, scene: Scene, rng: np.random.Generator) -> np.ndarray | None:
        """(2,) for a bump: not under what stands at the start, so that all of it stands still."""
        half_m, params = self.params.half_m, self.params
        for _ in range(TRIES):
            at = rng.uniform(-half_m, half_m, size=2)
            to_box = np.maximum(np.abs(at - scene.box) - params.box_side_m / 2, 0.0)
            if (
                np.linalg.norm(scene.bricks[:, :2] - at, axis=1).min(initial=math.inf)
                > FROM_BRICK_M
                and np.linalg.norm(scene.loader[:2] - at) > FROM_LOADER_M
                and np.linalg.norm(to_box) > FROM_BOX_M
            ):
                return at
        return None
