"""A scene of the yard: a pure function of (scenario, seed)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.placing import FURNITURE_HALF_M, Placer

BRICK_COLOURS = np.array(
    [
        (0.80, 0.10, 0.09),
        (0.95, 0.77, 0.06),
        (0.10, 0.55, 0.20),
        (0.93, 0.45, 0.09),
        (0.75, 0.15, 0.55),
    ],
    dtype=np.float32,
)
"""Red, yellow, green, orange, magenta: none is the box's blue."""


@dataclass(frozen=True)
class Scene:
    """Where everything stands at the start. In metres and radians, yard frame, origin mid-floor.

    bricks: (N, 3) x, y, yaw. brick_rgb: (N, 3) in [0, 1]. brick_half_m: (N, 3) half extents.
    required: (N,) bool, bricks that success asks for. stuck: (N,) bool, glued to the floor.
    loader: (3,) x, y, yaw. solids: (M, 6) x, y, yaw and half extents of what stands on the floor:
    first the furniture, then what each feature set down, in their order. box: (2,) its middle.
    drawn: what domain randomisation drew for this scene, by name; {} without it.
    """

    bricks: np.ndarray
    brick_rgb: np.ndarray
    brick_half_m: np.ndarray
    required: np.ndarray
    stuck: np.ndarray
    loader: np.ndarray
    solids: np.ndarray
    box: np.ndarray
    drawn: Mapping[str, Any] = field(default_factory=dict)


def draw_scene(
    params: YardParams,
    digest: str,
    seed: int,
    features: Sequence[Feature] = (),
    drawn: Mapping[str, Any] | None = None,
) -> Scene:
    """The scene of a scenario's digest and a seed: always the same one, on any machine.

    A feature draws from a stream of its own: one feature more leaves what the others draw.
    drawn: what domain randomisation drew for it.

    Raises:
        WorldError: something has no free place.
    """
    drawn = drawn or {}
    box_m = box_place(params, str(drawn.get("box_corner", "south_west")))
    placer = Placer(params, stream("yard-scene", digest, seed), box_m)
    streams = [stream("yard-feature", feature.name, digest, seed) for feature in features]
    reserved = [
        feature.reserve(placer, rng) for feature, rng in zip(features, streams, strict=True)
    ]
    scene = replace(_general(params, placer, int(drawn.get("bricks", params.bricks))), drawn=drawn)
    scene = _with_solids(scene, reserved)
    for feature, rng in zip(features, streams, strict=True):
        scene = feature.dress(scene, placer, rng)
    return scene


CORNERS = {
    "south_west": (-1.0, -1.0),
    "south_east": (1.0, -1.0),
    "north_east": (1.0, 1.0),
    "north_west": (-1.0, 1.0),
}
"""In which the box may stand; x is east, y is north."""


def box_place(params: YardParams, corner: str) -> np.ndarray:
    """(2,) the middle of a box in one of CORNERS."""
    return abs(params.box_centre_m) * np.array(CORNERS[corner])


def _general(params: YardParams, placer: Placer, count: int) -> Scene:
    kinds = placer.rng.integers(len(FURNITURE_HALF_M), size=params.furniture)
    furniture = [np.append(placer.furniture(kind), FURNITURE_HALF_M[kind]) for kind in kinds]
    loader = placer.loader()
    bricks = np.array([placer.brick() for _ in range(count)]).reshape(-1, 3)
    return Scene(
        bricks=bricks,
        brick_rgb=BRICK_COLOURS[placer.rng.integers(len(BRICK_COLOURS), size=count)],
        brick_half_m=np.tile((g.BRICK.x_m, g.BRICK.y_m, g.BRICK.z_m), (count, 1)),
        required=np.ones(count, dtype=bool),
        stuck=np.zeros(count, dtype=bool),
        loader=loader,
        solids=np.array(furniture).reshape(-1, 6),
        box=placer.box_m,
    )


def _with_solids(scene: Scene, reserved: list[np.ndarray]) -> Scene:
    return replace(scene, solids=np.concatenate([scene.solids, *reserved]))
