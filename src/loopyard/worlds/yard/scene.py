"""A scene of the yard: a pure function of (scenario, seed)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard.params import YardParams

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

FURNITURE_HALF_M = ((0.5, 0.3, 0.2), (0.35, 0.35, 0.22), (0.7, 0.2, 0.18))
"""Half extents of a low table, a stool and a bench."""

BRICK_TO_KERB_M = 0.45
BRICK_TO_BOX_M = 0.55
BRICK_TO_BRICK_M = 0.35
BRICK_TO_FURNITURE_M = 0.75
LOADER_TO_KERB_M = 0.7
LOADER_TO_BOX_M = 0.8
LOADER_TO_BRICK_M = 0.8
FURNITURE_TO_KERB_M = 1.4
FURNITURE_TO_BOX_M = 1.6
FURNITURE_TO_FURNITURE_M = 1.8
TRIES = 400


@dataclass(frozen=True)
class Scene:
    """Where everything stands at the start. In metres and radians, yard frame, origin mid-floor.

    bricks: (N, 3) x, y, yaw. brick_rgb: (N, 3) in [0, 1]. loader: x, y, yaw.
    furniture: (M, 3) x, y, yaw; furniture_kind: (M,) index into FURNITURE_HALF_M.
    """

    bricks: np.ndarray
    brick_rgb: np.ndarray
    loader: np.ndarray
    furniture: np.ndarray
    furniture_kind: np.ndarray


def draw_scene(params: YardParams, digest: str, seed: int) -> Scene:
    """The scene of a scenario's digest and a seed: always the same one, on any machine."""
    rng = stream("yard-scene", digest, seed)
    placer = _Placer(params, rng)
    furniture_kind = rng.integers(len(FURNITURE_HALF_M), size=params.furniture)
    furniture = np.array([placer.furniture(kind) for kind in furniture_kind]).reshape(-1, 3)
    loader = placer.loader()
    bricks = np.array([placer.brick() for _ in range(params.bricks)]).reshape(-1, 3)
    colours = BRICK_COLOURS[rng.integers(len(BRICK_COLOURS), size=params.bricks)]
    return Scene(bricks, colours, loader, furniture, furniture_kind)


class _Placer:
    """Draws places that keep their distances; after TRIES it takes the best place seen."""

    def __init__(self, params: YardParams, rng: np.random.Generator) -> None:
        self._half_m = params.half_m
        self._box = np.full(2, params.box_centre_m)
        self._box_half_m = params.box_side_m / 2
        self._rng = rng
        self._bricks: list[np.ndarray] = []
        self._furniture: list[tuple[np.ndarray, float]] = []
        self._loader = np.full(2, np.inf)

    def furniture(self, kind: int) -> np.ndarray:
        radius_m = math.hypot(*FURNITURE_HALF_M[kind][:2])
        place = self._draw(
            FURNITURE_TO_KERB_M,
            lambda at: min(
                self._from_box(at) - FURNITURE_TO_BOX_M,
                self._from_furniture(at) - FURNITURE_TO_FURNITURE_M,
            ),
        )
        self._furniture.append((place, radius_m))
        return np.append(place, self._rng.uniform(-math.pi, math.pi))

    def loader(self) -> np.ndarray:
        self._loader = self._draw(
            LOADER_TO_KERB_M,
            lambda at: min(
                self._from_box(at) - LOADER_TO_BOX_M,
                self._from_furniture(at) - LOADER_TO_BRICK_M,
            ),
        )
        return np.append(self._loader, self._rng.uniform(-math.pi, math.pi))

    def brick(self) -> np.ndarray:
        place = self._draw(
            BRICK_TO_KERB_M,
            lambda at: min(
                self._from_box(at) - BRICK_TO_BOX_M,
                self._from_furniture(at) - BRICK_TO_FURNITURE_M,
                float(np.linalg.norm(at - self._loader)) - LOADER_TO_BRICK_M,
                min(
                    (
                        float(np.linalg.norm(at - other)) - BRICK_TO_BRICK_M
                        for other in self._bricks
                    ),
                    default=math.inf,
                ),
            ),
        )
        self._bricks.append(place)
        return np.append(place, self._rng.uniform(-math.pi, math.pi))

    def _draw(self, kerb_m, slack_m) -> np.ndarray:
        limit = self._half_m - kerb_m
        best, best_slack = np.zeros(2), -math.inf
        for _ in range(TRIES):
            at = self._rng.uniform(-limit, limit, size=2)
            slack = slack_m(at)
            if slack >= 0:
                return at
            if slack > best_slack:
                best, best_slack = at, slack
        return best

    def _from_box(self, at: np.ndarray) -> float:
        outside = np.maximum(np.abs(at - self._box) - self._box_half_m, 0.0)
        return float(np.linalg.norm(outside))

    def _from_furniture(self, at: np.ndarray) -> float:
        return min(
            (float(np.linalg.norm(at - place)) - radius for place, radius in self._furniture),
            default=math.inf,
        )
