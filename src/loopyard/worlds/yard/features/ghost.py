"""A brick that was fetched is still seen where it lay, and still counted, for a few frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from loopyard.core.specs import STATE_KEY
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.scene import Scene

NOWHERE = np.array([0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class Haunting:
    """held: (N,) bool of the tick before. lay: (N, 7) poses of that tick. left: (N,) int, frames
    for which each ghost is still to be seen."""

    held: tuple[bool, ...]
    lay: np.ndarray
    left: tuple[int, ...]


class Ghosts(Feature):
    """One look-alike of each brick, shown where it lay for ``ghost_ticks`` frames."""

    name = "ghosts"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.ghost_ticks > 0

    def xml(self) -> str:
        x, y, z = g.BRICK.x_m, g.BRICK.y_m, g.BRICK.z_m
        return "".join(
            f'<body name="ghost_{index}"><geom class="look" name="ghost_{index}" type="box" '
            f'size="{x} {y} {z}"/></body>'
            for index in range(self.params.bricks)
        )

    def bind(self, body: YardBody) -> None:
        bricks, model = range(self.params.bricks), body.model
        self._brick_q = np.array([model.joint(f"brick_{i}").qposadr[0] for i in bricks])
        self._geom = np.array([model.geom(f"ghost_{i}").id for i in bricks])
        self._body = np.array([model.body(f"ghost_{i}").id for i in bricks])

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        count = len(scene.bricks)
        self._now = Haunting((False,) * count, self._poses(body, count), (0,) * count)
        body.model.geom_rgba[self._geom[:count], :3] = scene.brick_rgb
        body.model.geom_size[self._geom[:count]] = scene.brick_half_m
        body.model.geom_rbound[self._geom[:count]] = np.linalg.norm(scene.brick_half_m, axis=1)
        self._show(body)

    def after(self, body: YardBody) -> dict[str, int]:
        was, count = self._now, len(body.slots)
        held = tuple((body.slots >= 0).tolist())
        left = tuple(
            self.params.ghost_ticks if now and not before else max(0, more - 1)
            for now, before, more in zip(held, was.held, was.left, strict=True)
        )
        lay = np.where(np.array(left)[:, None] > 0, was.lay, self._poses(body, count))
        changed = [bool(a) != bool(b) for a, b in zip(left, was.left, strict=True)]
        self._now = Haunting(held, lay, left)
        if any(changed):
            self._show(body)
            mujoco.mj_kinematics(body.model, body.data)  # or the cameras would be a tick late
        return {}

    def perceive(self, observation: dict[str, Any], tick: int) -> None:
        ghosts = sum(more > 0 for more in self._now.left)
        if ghosts and self.params.state == "full":
            state = observation[STATE_KEY].copy()
            state[-1] = min(1.0, state[-1] + ghosts / len(self._now.left))
            observation[STATE_KEY] = state

    def state(self) -> Haunting:
        return replace(self._now, lay=self._now.lay.copy())

    def set_state(self, state: Haunting, body: YardBody) -> None:
        self._now = replace(state, lay=state.lay.copy())
        self._show(body)

    def _poses(self, body: YardBody, count: int) -> np.ndarray:
        return body.data.qpos[self._brick_q[:count, None] + np.arange(7)]

    def _show(self, body: YardBody) -> None:
        now, count = self._now, len(self._now.left)
        there = np.where(np.array(now.left)[:, None] > 0, now.lay, NOWHERE)
        body.model.body_pos[self._body[:count]] = there[:, :3]
        body.model.body_quat[self._body[:count]] = there[:, 3:]
        body.model.geom_rgba[self._geom, 3] = 0.0
        body.model.geom_rgba[self._geom[:count], 3] = np.array(now.left) > 0
