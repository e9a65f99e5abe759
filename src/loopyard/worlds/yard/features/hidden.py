"""Bricks that a board hides in part from where the loader starts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import placing as p
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

DRAWN_SHARE = (0.34, 0.66)
"""Between 0.3 and 0.7, whatever sampling the brick's faces at points makes of it."""
BOARDS_HALF_M = ((0.012, 0.17, 0.11), (0.05, 0.15, 0.11))
"""Half thickness, width and height of a board on edge and of a toy block."""
CLOSE_M = 0.05
"""Between the board and the circle round the brick."""
NEAREST_M, BEHIND_M, ROOM_M = 1.6, 1.3, 0.55
"""From the start to the brick; behind the brick the loader comes from a place this far away, and
that place has this much room around."""
MOST = 5


class HiddenBricks(Feature):
    """FM-C05: every second brick stands behind a board that hides 30 to 70 % of what the ego camera
    would see of it from the loader's start. From behind it is free to reach."""

    name = "brick_places"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.brick_places == "hidden"

    def solids(self) -> int:
        return min(MOST, math.ceil(self.params.bricks / 2))

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        self._loader = placer.loader()
        placer.keep_off(self._loader[0], self._loader[1], 0.1)
        pairs = [self._pair(placer, rng) for _ in range(self.solids())]
        self._bricks = np.array([brick for brick, _ in pairs])
        return np.array([board for _, board in pairs])

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        bricks = scene.bricks.copy()
        bricks[: len(self._bricks)] = self._bricks
        placer.moved(bricks, self._loader)
        return replace(scene, bricks=bricks, loader=self._loader)

    def _pair(self, placer: Placer, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(3,) a brick and (6,) its board."""
        start = self._loader[:2]

        def slack_m(at: np.ndarray) -> float:
            away_m = float(np.linalg.norm(at - start))
            behind = at + (at - start) / max(away_m, 1e-6) * BEHIND_M
            return min(
                away_m - NEAREST_M,
                placer.brick_slack_m(at),
                self.params.half_m - float(np.abs(behind).max()) - ROOM_M,
                placer.from_box_m(behind) - ROOM_M,
                placer.from_solids_m(behind) - ROOM_M,
            )

        place = placer.draw("hidden brick", p.BRICK_TO_KERB_M, slack_m, rng=rng, hopeless_m=0.0)
        brick = np.append(place, rng.uniform(-math.pi, math.pi))
        board = self._board(brick, rng)
        placer.keep_off(place[0], place[1], 0.3)
        behind = place + (place - start) / np.linalg.norm(place - start)
        placer.keep_off(behind[0], behind[1], 0.3)
        return brick, board

    def _board(self, brick: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Shifted sideways until it hides the drawn share, by bisection."""
        half = BOARDS_HALF_M[rng.integers(len(BOARDS_HALF_M))]
        share, side = rng.uniform(*DRAWN_SHARE), rng.choice([-1.0, 1.0])
        to_start = self._loader[:2] - brick[:2]
        yaw = math.atan2(to_start[1], to_start[0])
        ahead, left = np.array([[1.0, 0.0], [0.0, 1.0]]) @ _turn(yaw).T
        out_m = math.hypot(g.BRICK.x_m, g.BRICK.y_m) + CLOSE_M + half[0]
        eye = _eye(self._loader)
        shown = _shown(eye, brick)
        low, high = 0.0, half[1] + 0.2  # all of it hidden, and nothing

        def at(shift_m: float) -> np.ndarray:
            place = brick[:2] + out_m * ahead + side * shift_m * left
            return np.array([*place, yaw, *half])

        for _ in range(12):
            middle = (low + high) / 2
            if _behind(eye, *shown, at(middle)) > share:
                low = middle
            else:
                high = middle
        return at((low + high) / 2)


def hidden_share(eye_m: np.ndarray, brick: np.ndarray, board: np.ndarray) -> float:
    """How much of what one would see of a brick a board hides, 0..1.

    eye_m: (2,) under the ego camera. brick: (3,) x, y, yaw. board: (6,) as `Scene.solids`. Points
    on the brick's faces are weighted by the area that they show.
    """
    eye = _eye(eye_m)
    return _behind(eye, *_shown(eye, brick), board)


def _eye(place: np.ndarray) -> np.ndarray:
    return np.array([place[0], place[1], g.EGO_POSITION_M[2]])


def _behind(eye: np.ndarray, points: np.ndarray, weights: np.ndarray, board: np.ndarray) -> float:
    """The share of weighted points (P, 3) that an eye (3,) does not see for a board (slab test)."""
    turn = _turn(board[2])
    half = board[3:] + 1e-9

    def local(where: np.ndarray) -> np.ndarray:
        flat = (where[..., :2] - board[:2]) @ turn
        return np.concatenate([flat, where[..., 2:] - board[5]], axis=-1)

    start, step = local(eye), local(points) - local(eye)
    step = np.where(np.abs(step) < 1e-12, 1e-12, step)
    near, far = (-half - start) / step, (half - start) / step
    enter, leave = np.minimum(near, far).max(axis=1), np.maximum(near, far).min(axis=1)
    behind = (enter < leave) & (leave > 0) & (enter < 1)
    return float(weights[behind].sum() / weights.sum())


def _shown(eye: np.ndarray, brick: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, 3) points on the faces of a brick that look towards an eye, and their shown areas."""
    half = np.array([g.BRICK.x_m, g.BRICK.y_m, g.BRICK.z_m])
    steps = (np.arange(9) + 0.5) / 9 * 2 - 1
    u, v = (grid.ravel() for grid in np.meshgrid(steps, steps))
    all_points, all_weights = [], []
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1), (2, 1)):
        others = [other for other in range(3) if other != axis]
        points = np.empty((len(u), 3))
        points[:, axis], points[:, others[0]], points[:, others[1]] = sign, u, v
        normal = np.eye(3)[axis] * sign
        points, normal = _placed(points * half, brick), _placed(normal, brick) - _placed(0, brick)
        to_eye = eye - points
        facing = np.maximum(to_eye @ normal, 0.0) / np.linalg.norm(to_eye, axis=1) ** 3
        all_points.append(points)
        all_weights.append(facing * half[others].prod())
    return np.concatenate(all_points), np.concatenate(all_weights)


def _placed(points: np.ndarray | int, brick: np.ndarray) -> np.ndarray:
    """(..., 3) from the brick's own frame into the yard's."""
    points = np.broadcast_to(points, (3,)) if np.ndim(points) == 0 else np.asarray(points)
    flat = points[..., :2] @ _turn(brick[2]).T + brick[:2]
    return np.concatenate([flat, points[..., 2:] + g.BRICK.z_m], axis=-1)


def _turn(yaw: float) -> np.ndarray:
    return np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
