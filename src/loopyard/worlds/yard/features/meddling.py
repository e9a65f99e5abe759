"""Someone carries bricks off to other places while the loader works."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.features.walking import Ground
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.placing import BRICK_TO_BRICK_M, BRICK_TO_KERB_M

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.scene import Scene

MOVED = 2
MOVED_M = (1.5, 1.9)
TO_SOLIDS_M = 0.6
TO_LOADER_M = 0.9
TRIES = 60


class MovedBricks(Feature):
    """At ``bricks_moved_at_s`` two bricks that lie on the floor stand elsewhere, 1.7 m away or so.

    Which and where is a function of the scene's key and of the moment; nothing else is kept.
    """

    name = "moved_bricks"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.bricks_moved_at_s is not None

    def bind(self, body: YardBody) -> None:
        self._loader_q = int(body.model.joint("loader").qposadr[0])
        bricks = range(self.params.bricks)
        joints = [body.model.joint(f"brick_{index}") for index in bricks]
        self._brick_q = [int(joint.qposadr[0]) for joint in joints]
        self._brick_v = [int(joint.dofadr[0]) for joint in joints]
        self._at_tick = round((self.params.bricks_moved_at_s or 0.0) * self.params.fps)

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        self._key = key
        half_m = self.params.box_side_m / 2
        rows = np.concatenate([scene.solids[:, :5], [[*scene.box, 0.0, half_m, half_m]]])
        self._ground = Ground.of(rows, TO_SOLIDS_M, self.params.half_m - BRICK_TO_KERB_M)

    def before(self, body: YardBody) -> None:
        if body.tick != self._at_tick:
            return
        rng = stream("yard-moved-bricks", *self._key)
        free = np.flatnonzero((body.slots < 0) & ~body.delivered & ~body.scene.stuck)
        for index in rng.permutation(free)[:MOVED]:
            self._carry_off(body, int(index), rng)

    def _carry_off(self, body: YardBody, index: int, rng: np.random.Generator) -> None:
        qpos, at, v = body.data.qpos, self._brick_q[index], self._brick_v[index]
        here = qpos[at : at + 2].copy()
        others = [qpos[q : q + 2].copy() for other, q in enumerate(self._brick_q) if other != index]
        loader = qpos[self._loader_q : self._loader_q + 2]
        for _ in range(TRIES):
            angle, far_m = rng.uniform(-math.pi, math.pi), rng.uniform(*MOVED_M)
            there = here + far_m * np.array([math.cos(angle), math.sin(angle)])
            if (
                self._ground.clear((float(there[0]), float(there[1])))
                and math.dist(there, loader) >= TO_LOADER_M
                and all(math.dist(there, other) >= BRICK_TO_BRICK_M for other in others)
            ):
                yaw = rng.uniform(-math.pi, math.pi)
                height_m = body.scene.brick_half_m[index, 2]
                qpos[at : at + 7] = (*there, height_m, math.cos(yaw / 2), 0, 0, math.sin(yaw / 2))
                body.data.qvel[v : v + 6] = 0.0
                return
