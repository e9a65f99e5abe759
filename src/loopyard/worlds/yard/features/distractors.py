"""Small things that are no bricks: toys, coins, batteries and erasers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard import placing as p
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

KINDS = ("toy", "coin", "battery", "eraser")
APART_M = 0.3
TO_KERB_M = 0.3
MASS_KG = 0.05
PARKED_M = 500.0
"""Far out of sight stands what a scene has fewer of."""
COLOURS = np.array(
    [(0.9, 0.2, 0.2), (0.2, 0.7, 0.3), (0.95, 0.8, 0.2), (0.95, 0.6, 0.75), (0.5, 0.3, 0.7)]
)
"""Of toys and erasers: much like the bricks'."""


class Distractors(Feature):
    """FM-A07: things between the bricks that nobody asks for.

    Coins are flat and touch nothing. The others slide on the floor without leaving it: two slides
    and a hinge with damping instead of a free joint and floor contacts, at a tenth of the cost.
    """

    name = "distractors"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.distractors > 0

    def xml(self) -> str:
        return "".join(
            _thing(KINDS[index % len(KINDS)], index) for index in range(self.params.distractors)
        )

    def bind(self, body: YardBody) -> None:
        model, count = body.model, self.params.distractors
        self._bodies = [model.body(f"thing_{index}").id for index in range(count)]
        self._painted = [
            (index, [model.geom(f"thing_{index}_{part}").id for part in parts])
            for index in range(count)
            if (parts := _PAINTED[KINDS[index % len(KINDS)]])
        ]

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        places: list[np.ndarray] = []

        def slack_m(at: np.ndarray) -> float:
            others = (*places, *scene.bricks[:, :2])
            return min(
                placer.from_box_m(at) - APART_M,
                placer.from_solids_m(at) - APART_M,
                float(np.linalg.norm(at - scene.loader[:2])) - p.LOADER_TO_BRICK_M,
                min(float(np.linalg.norm(at - other)) for other in others) - APART_M,
            )

        for _ in range(int(scene.drawn.get("distractors", self.params.distractors))):
            places.append(placer.draw("distractor", TO_KERB_M, slack_m, rng=rng, hopeless_m=0.2))
        parked = [(PARKED_M, PARKED_M)] * (self.params.distractors - len(places))
        self._places = np.array([*places, *parked])
        return scene

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        # Where a body stands is its place in the model; the joints tell how far it was pushed.
        rng = stream("yard-distractors", *key)
        for at, place in zip(self._bodies, self._places, strict=True):
            yaw = rng.uniform(-math.pi, math.pi)
            body.model.body_pos[at, :2] = place
            body.model.body_quat[at] = (math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2))
        for _, geoms in self._painted:
            body.model.geom_rgba[geoms, :3] = COLOURS[rng.integers(len(COLOURS))]


_PAINTED = {"toy": ("body", "head"), "coin": (), "battery": (), "eraser": ("body",)}


def _thing(kind: str, index: int) -> str:
    solid = f'contype="0" conaffinity="{m.LOADER | m.STATIC | m.BRICK}" friction=".3 .005 .0001"'
    mass = f'mass="{MASS_KG}"'
    named = f'name="thing_{index}_body"'
    body = {
        "toy": f'<geom {named} type="ellipsoid" size=".07 .05 .05" pos="0 0 .05" {solid} {mass}/>'
        f'<geom class="look" name="thing_{index}_head" type="sphere" size=".035" pos=".05 0 .1"/>',
        "coin": f'<geom {named} type="cylinder" size=".055 .006" pos="0 0 .006" contype="0" '
        f'conaffinity="0" rgba=".85 .68 .25 1"/>',
        "battery": f'<geom {named} type="capsule" size=".028 .06" zaxis="1 0 0" pos="0 0 .028" '
        f'rgba=".12 .12 .13 1" {solid} {mass}/>'
        f'<geom class="look" type="cylinder" size=".0285 .02" zaxis="1 0 0" pos=".05 0 .028" '
        f'rgba=".75 .45 .2 1"/>',
        "eraser": f'<geom {named} type="box" size=".065 .035 .025" pos="0 0 .025" {solid} {mass}/>'
        f'<geom class="look" type="box" size=".03 .036 .026" pos="-.036 0 .025" '
        f'rgba=".95 .95 .92 1"/>',
    }[kind]
    if kind == "coin":
        return f'<body name="thing_{index}">{body}</body>'
    joints = "".join(
        f'<joint type="{kind}" axis="{axis}" damping="{damping}"/>'
        for kind, axis, damping in (
            ("slide", "1 0 0", 1.0), ("slide", "0 1 0", 1.0), ("hinge", "0 0 1", 0.005)
        )
    )  # fmt: skip
    return f'<body name="thing_{index}">{joints}{body}</body>'
