"""Floors that are not level: a ridge across the room, a ramp down from a platform, and bumps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.features.profile import LOADER_FEET_M, Profile
from loopyard.worlds.yard.features.slabs import kerb_xml, lay_kerb, slab_xml
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.scene import Scene

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer

FLAT_HEIGHT_M = 1e-6

RIDGE_HALF_M = (0.3, 1.1)
"""From a threshold to a slope on which the whole loader stands."""
RIDGE_HEIGHT_M = 0.1
RIDGE_TO_BOX_M, RIDGE_TO_KERB_M = 1.2, 0.2

RAMP_HEIGHT_M = 0.2
RAMP_SHARE, RAMP_MOST_M = 0.19, 1.6
PLATFORM_SHARE, PLATFORM_MOST_M = 0.27, 2.4
"""Of the side of the room, and at most."""
RAMP_FREE_M = 0.6
"""Nothing is set down nearer than this to the ramp's foot, less what things keep themselves."""
CREST_TO_LOADER_M, CREST_TO_BRICK_M = 0.6, 0.95
SIDE_TO_LOADER_M, SIDE_TO_BRICK_M = 0.75, 0.45
LOADER_TO_BRICK_M, BRICK_TO_BRICK_M = 0.9, 0.4
UP_SHARE = 0.6
TRIES = 200
SLOW_BEFORE_M = 0.6
"""Heading for the descent it counts as one from here on: time to slow down."""
FAST_SHARE = 0.5
"""Of the top speed: faster down the ramp is a violation."""
FAR_M = 1000.0
"""The radius of a disc whose rim is as good as straight."""


class Relief(Feature, ABC):
    """A floor with a profile: slabs on the plane, kerbs that are as high over it as elsewhere."""

    slab_rgba: tuple[str, ...] = ()
    kerbs = 2

    def xml(self) -> str:
        slabs = [
            slab_xml(name, rgba) for name, rgba in zip(self._slabs, self.slab_rgba, strict=True)
        ]
        return "".join(slabs + [kerb_xml(name) for name in self._kerbs])

    def bind(self, body: YardBody) -> None:
        self._loader_q = int(body.model.joint("loader").qposadr[0])
        self._loader_v = int(body.model.joint("loader").dofadr[0])
        bricks = range(self.params.bricks)
        self._brick_q = [int(body.model.joint(f"brick_{i}").qposadr[0]) for i in bricks]

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        # The same first draws as `reserve` made: both are functions of the scene's key.
        self.profile = profile = self.draw_profile(stream("yard-feature", self.name, *key))
        half_m = self.params.half_m
        profile.lay(body.model, self._slabs, half_m)
        span, top = (profile.knots[0, 0], profile.knots[-1, 0]), profile.knots[:, 1].max()
        for name, side in zip(self._kerbs, (half_m, -half_m), strict=False):
            lay_kerb(body.model, name, 1 - profile.axis, side, span, top)
        at = self._loader_q
        body.data.qpos[at : at + 7] = profile.rest(scene.loader, LOADER_FEET_M)
        for at, pose, half in zip(self._brick_q, scene.bricks, scene.brick_half_m, strict=True):
            corners = half[:2] * [(1, 1), (1, -1), (-1, -1), (-1, 1)]
            body.data.qpos[at : at + 7] = profile.rest(pose, corners, half[2])

    def tell(self, fields: dict[str, Any]) -> None:
        fields["floor_m"] = self.profile.height_m(fields["bricks"])

    @abstractmethod
    def draw_profile(self, rng: np.random.Generator) -> Profile:
        """The scene's profile, from the first numbers of a fresh generator."""

    @property
    def _slabs(self) -> list[str]:
        return [f"slab_{index}" for index in range(len(self.slab_rgba))]

    @property
    def _kerbs(self) -> list[str]:
        return [f"terrain_{index}" for index in range(self.kerbs)]


class Slope(Relief):
    """A ridge across the room, from a threshold to two slopes that each carry the loader."""

    name = "slope"
    slab_rgba = (".62 .47 .31 1", ".57 .43 .28 1")

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.terrain == "slope"

    def draw_profile(self, rng: np.random.Generator) -> Profile:
        rise = max(math.tan(math.radians(self.params.slope_deg)), FLAT_HEIGHT_M)
        axis, half_m = int(rng.integers(2)), rng.uniform(*RIDGE_HALF_M)
        half_m = min(half_m, RIDGE_HEIGHT_M / rise)
        box_edge_m = self.params.box_centre_m + self.params.box_side_m / 2
        low = box_edge_m + RIDGE_TO_BOX_M + half_m
        high = max(low, self.params.half_m - RIDGE_TO_KERB_M - half_m)
        middle = rng.uniform(low, high)
        knots = [(middle - half_m, 0.0), (middle, half_m * rise), (middle + half_m, 0.0)]
        return Profile(axis, np.array(knots))


class Ramp(Relief):
    """A platform along one side, the loader and some of the bricks on it, and a ramp down."""

    name = "ramp"
    slab_rgba = (".60 .45 .29 1", ".74 .60 .44 1")
    kerbs = 3

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.terrain == "ramp"

    def draw_profile(self, rng: np.random.Generator) -> Profile:
        room_m, half_m = self.params.room_m, self.params.half_m
        rise = max(math.tan(math.radians(self.params.slope_deg)), FLAT_HEIGHT_M)
        run_m = min(RAMP_SHARE * room_m, RAMP_MOST_M, RAMP_HEIGHT_M / rise)
        crest_m = half_m - min(PLATFORM_SHARE * room_m, PLATFORM_MOST_M)
        tall_m = run_m * rise
        knots = [(crest_m - run_m, 0.0), (crest_m, tall_m), (half_m, tall_m)]
        return Profile(int(rng.integers(2)), np.array(knots))

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        self._drawn = profile = self.draw_profile(rng)
        centre = np.zeros(2)
        centre[profile.axis] = profile.knots[0, 0] + RAMP_FREE_M + FAR_M
        placer.keep_off(centre[0], centre[1], FAR_M)
        return np.empty((0, 6))

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        axis, crest_m, half_m = self._drawn.axis, self._drawn.knots[1, 0], self.params.half_m
        up = math.ceil(UP_SHARE * len(scene.bricks))
        loader, bricks = scene.loader.copy(), scene.bricks.copy()

        def draw(to_crest_m: float, to_side_m: float) -> np.ndarray:
            lower, upper = np.full(2, to_side_m - half_m), np.full(2, half_m - to_side_m)
            lower[axis] = min(crest_m + to_crest_m, upper[axis])
            return rng.uniform(lower, upper)

        loader[:2] = draw(CREST_TO_LOADER_M, SIDE_TO_LOADER_M)
        for index in range(up):
            for _ in range(TRIES):
                at = draw(CREST_TO_BRICK_M, SIDE_TO_BRICK_M)
                from_bricks = np.linalg.norm(bricks[:index, :2] - at, axis=1)
                from_loader = np.linalg.norm(loader[:2] - at)
                if from_loader > LOADER_TO_BRICK_M and (from_bricks > BRICK_TO_BRICK_M).all():
                    bricks[index, :2] = at
                    break
        return replace(scene, loader=loader, bricks=bricks)

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        super().place(body, scene, key)
        half_m, top = self.params.half_m, self.profile.knots[-1, 1]
        lay_kerb(body.model, "terrain_2", self.profile.axis, half_m, (-half_m, half_m), top)
        self._fast, self._held = False, 0

    def before(self, body: YardBody) -> None:
        self._held = int((body.slots >= 0).sum())

    def after(self, body: YardBody) -> dict[str, int]:
        """violation_fast_descent once a descent, violation_ramp_drop for a brick let go on it."""
        events: dict[str, int] = {}
        if not self._on_ramp(body.data.qpos[self._loader_q + self.profile.axis]):
            self._fast = False
            return events
        dropped = self._held - int((body.slots >= 0).sum())
        if dropped > 0:
            events["violation_ramp_drop"] = dropped
        down_mps = -body.data.qvel[self._loader_v + self.profile.axis]
        down_mps /= math.cos(math.radians(self.params.slope_deg))
        if down_mps > FAST_SHARE * self.params.max_speed_mps and not self._fast:
            self._fast = True
            events["violation_fast_descent"] = 1
        return events

    def tell(self, fields: dict[str, Any]) -> None:
        super().tell(fields)
        place, yaw = (fields["x_m"], fields["y_m"])[self.profile.axis], fields["yaw_rad"]
        uphill = math.cos(yaw) if self.profile.axis == 0 else math.sin(yaw)
        crest_m = self.profile.knots[1, 0]
        nearing = crest_m <= place < crest_m + SLOW_BEFORE_M and uphill < 0
        fields["downhill"] = bool(self._on_ramp(place) or nearing)

    def state(self) -> bool:
        return self._fast

    def set_state(self, state: bool, body: YardBody) -> None:
        self._fast = state

    def _on_ramp(self, place_m: float) -> bool:
        foot_m, crest_m = self.profile.knots[:2, 0]
        return bool(foot_m < place_m < crest_m)
