"""Light that makes bricks hard to see: flat, harsh, dim, or failing; and bricks like the floor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.lamps import Lamps
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

FLOOR_RGB = np.array([0.70, 0.54, 0.36])
LIKE_FLOOR = 0.10
"""How far a brick's colour may be from the floor's, as a share of it."""
FLAT_AMBIENT, FLAT_DIFFUSE = 2.6, 0.4
HARSH_SUN, HARSH_AMBIENT = 1.55, 0.22
"""In its shadow about a tenth of the light is left."""
HARSH_ELEVATION_DEG = (30.0, 60.0)
DIM = (0.1, 0.3)
FADES_FROM = 0.5
"""Share of the bricks that have been picked up when the light begins to fail."""
FADES_OVER_S = 10.0


class Light(Feature):
    """Everything but normal light. State: the tick at which fading light began to fade, or None."""

    name = "light"

    def __init__(self, params: YardParams) -> None:
        super().__init__(params)
        self.shadows = params.light == "harsh"
        self._fades_from: int | None = None

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.light != "normal"

    def bind(self, body: YardBody) -> None:
        self._lamps = Lamps(body.model)

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        rng = stream("yard-light", *key)
        self._dim = float(rng.uniform(*DIM))
        self._fades_from = None
        self._required = scene.required
        self._lamps.reset(body.model)
        if self.params.light == "flat":
            self._lamps.shine(body.model, sun=0.0, ambient=FLAT_AMBIENT, diffuse=FLAT_DIFFUSE)
        elif self.params.light == "harsh":
            self._lamps.stand(
                body.model, rng.uniform(0.0, 360.0), rng.uniform(*HARSH_ELEVATION_DEG)
            )
            self._lamps.shine(body.model, sun=HARSH_SUN, ambient=HARSH_AMBIENT)
        elif self.params.light == "dim":
            self._lamps.shine(body.model, sun=self._dim, ambient=self._dim)

    def after(self, body: YardBody) -> dict[str, int]:
        if self.params.light == "fading":
            if self._fades_from is None and self._half_done(body):
                self._fades_from = body.tick
            self._fade(body, body.tick)
        return {}

    def state(self) -> int | None:
        return self._fades_from

    def set_state(self, state: int | None, body: YardBody) -> None:
        self._fades_from = state
        if self.params.light == "fading":
            self._fade(body, body.tick - 1)  # the last tick that went by

    def _half_done(self, body: YardBody) -> bool:
        fetched = (body.delivered | (body.slots >= 0))[self._required]
        return bool(fetched.any() and fetched.mean() >= FADES_FROM)

    def _fade(self, body: YardBody, tick: int) -> None:
        if self._fades_from is None:
            level = 1.0
        else:
            gone = (tick - self._fades_from) / (FADES_OVER_S * self.params.fps)
            level = 1.0 + (self._dim - 1.0) * min(1.0, gone)
        self._lamps.shine(body.model, sun=level, ambient=level)


class FloorColoured(Feature):
    """Bricks in the colour of the floor, give or take a little."""

    name = "brick_colours"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.brick_colours == "floor"

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        off = rng.uniform(1.0 - LIKE_FLOOR, 1.0 + LIKE_FLOOR, size=(len(scene.bricks), 1))
        tint = rng.uniform(0.97, 1.03, size=(len(scene.bricks), 3))
        colours = np.clip(FLOOR_RGB * off * tint, 0.0, 1.0)
        return replace(scene, brick_rgb=colours.astype(np.float32))
