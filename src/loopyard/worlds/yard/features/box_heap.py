"""A small box that is nearly full: new bricks land on a heap and may bounce out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.scene import BRICK_COLOURS, Scene

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody

CELL_M = (0.24, 0.18)
"""A brick of the heap lies in each cell of a grid of about these sides."""
TURN_RAD, TILT_RAD = 0.3, 0.15
ROUGH_M = 0.02
FULL_M = 0.16
"""Top of the heap in a full box. Any higher and bricks jam between the heap and the bucket, which
hangs 0.39 m over the floor when it dumps; what is pinched there flies across the room."""
BOUNCY = "solref='.02 .5'"
"""Under-damped contact: what falls on the heap jumps."""


class BoxHeap(Feature):
    """FM-C08: bricks that nobody asks for fill the box to ``box_fill`` of its walls' height.

    The heap stands still: bodies of the world, not bricks, and so it costs contacts only where a
    brick lies on it. A delivered brick that leaves the box afterwards is delivered no longer.
    """

    name = "box_fill"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.box_fill > 0

    def __init__(self, params: YardParams) -> None:
        super().__init__(params)
        inner_m = params.box_side_m - 2 * g.BOX_WALL_M
        self._cells = tuple(max(1, int(inner_m / side_m)) for side_m in CELL_M)
        self._cell_m = inner_m / np.array(self._cells)

    def xml(self) -> str:
        half = f"{g.BRICK.x_m} {g.BRICK.y_m} {g.BRICK.z_m}"
        # Any place and turn but the body's own: MuJoCo would take those for fixed.
        anywhere = f'pos=".1 .1 .1" euler=".1 0 .1" size="{half}"'
        geoms = "".join(
            f'<geom class="static" name="heap_{index}" type="box" {anywhere} {BOUNCY}/>'
            for index in range(math.prod(self._cells))
        )
        return f'<body name="heap">{geoms}</body>'

    def bind(self, body: YardBody) -> None:
        self._body = body.model.body("heap").id
        self._geoms = [body.model.geom(f"heap_{i}").id for i in range(math.prod(self._cells))]

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        model, rng = body.model, stream("yard-heap", *key)
        top_m = self.params.box_fill * FULL_M
        middle = (np.array(self._cells) - 1) / 2
        model.body_pos[self._body, :2] = scene.box
        for number, geom in enumerate(self._geoms):
            cell = np.array(divmod(number, self._cells[1])) - middle
            yaw, tilt = rng.uniform(-1, 1, 2) * (TURN_RAD, TILT_RAD)
            height_m = top_m - g.BRICK.z_m - rng.uniform(0.0, ROUGH_M)
            model.geom_pos[geom] = (*(cell * self._cell_m), height_m)
            model.geom_quat[geom] = _tilted(yaw, tilt)
            model.geom_rgba[geom, :3] = BRICK_COLOURS[rng.integers(len(BRICK_COLOURS))]

    def after(self, body: YardBody) -> dict[str, int]:
        out = body.delivered & ~body._inside_box(body._brick_places())
        if not out.any():
            return {}
        body.delivered = body.delivered & ~out
        return {"brick_dropped": int(out.sum())}


def _tilted(yaw: float, tilt: float) -> tuple[float, float, float, float]:
    """The quaternion of a tilt about x after a turn about z."""
    cos_z, sin_z, cos_x, sin_x = (
        math.cos(yaw / 2), math.sin(yaw / 2), math.cos(tilt / 2), math.sin(tilt / 2)
    )  # fmt: skip
    return cos_z * cos_x, cos_z * sin_x, sin_z * sin_x, sin_z * cos_x
