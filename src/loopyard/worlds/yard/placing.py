"""Finding free places in a yard: nothing is set down nearer to another thing than it may be."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from loopyard.core.errors import WorldError
from loopyard.worlds.yard.params import YardParams

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
HOPELESS_M = 0.6
"""A best place that misses its distances by this much is no place."""


class Placer:
    """Draws places that keep their distances; after TRIES it takes the best place seen.

    Raises, whatever is placed:
        WorldError: even the best place stands inside something else.
    """

    def __init__(
        self, params: YardParams, rng: np.random.Generator, box_m: np.ndarray | None = None
    ) -> None:
        """box_m: (2,) the middle of the box; by default where ``params`` have it."""
        self._half_m = params.half_m
        self.box_m = np.full(2, params.box_centre_m) if box_m is None else box_m
        self._box_half_m = params.box_side_m / 2
        self.rng = rng
        self._bricks: list[np.ndarray] = []
        self._furniture: list[tuple[np.ndarray, float]] = []
        self._loader = np.full(2, np.inf)

    def keep_off(self, x_m: float, y_m: float, radius_m: float) -> None:
        """From now on nothing is set down on this disc; distances count from its rim."""
        self._furniture.append((np.array([x_m, y_m]), radius_m))

    def keep_off_solid(self, row: np.ndarray) -> None:
        """`keep_off` for a solid, (6,) as in `Scene.solids`: discs along its longer side."""
        x, y, yaw, *half, _ = row
        if half[1] > half[0]:
            yaw, half = yaw + math.pi / 2, half[::-1]
        ahead = np.array([math.cos(yaw), math.sin(yaw)])
        count = max(1, math.ceil(half[0] / half[1]))
        step_m = half[0] / count
        radius_m = math.hypot(step_m, half[1])
        for number in range(count):
            at = (x, y) + ahead * (2 * number + 1 - count) * step_m
            self.keep_off(at[0], at[1], radius_m)

    def moved(self, bricks: np.ndarray, loader: np.ndarray) -> None:
        """From now on distances count from bricks (N, 2 or 3) and loader (2 or 3,) there."""
        self._bricks = [brick[:2] for brick in bricks]
        self._loader = loader[:2]

    def furniture(self, kind: int) -> np.ndarray:
        """(3,) x, y, yaw for a piece of this index into FURNITURE_HALF_M."""
        radius_m = math.hypot(*FURNITURE_HALF_M[kind][:2])
        place = self.draw(
            "furniture",
            FURNITURE_TO_KERB_M,
            lambda at: min(
                self.from_box_m(at) - FURNITURE_TO_BOX_M,
                self.from_solids_m(at) - FURNITURE_TO_FURNITURE_M,
            ),
        )
        self.keep_off(place[0], place[1], radius_m)
        return np.append(place, self.rng.uniform(-math.pi, math.pi))

    def loader(self) -> np.ndarray:
        """(3,) x, y, yaw of the loader."""
        self._loader = self.draw(
            "loader",
            LOADER_TO_KERB_M,
            lambda at: min(
                self.from_box_m(at) - LOADER_TO_BOX_M,
                self.from_solids_m(at) - LOADER_TO_BRICK_M,
            ),
        )
        return np.append(self._loader, self.rng.uniform(-math.pi, math.pi))

    def brick(self) -> np.ndarray:
        """(3,) x, y, yaw of one more brick."""
        place = self.draw("brick", BRICK_TO_KERB_M, self.brick_slack_m)
        self._bricks.append(place)
        return np.append(place, self.rng.uniform(-math.pi, math.pi))

    def brick_slack_m(self, at: np.ndarray) -> float:
        """How much farther than it must be a brick at (2,) would stand from all other things."""
        others_m = (float(np.linalg.norm(at - other)) for other in self._bricks)
        return min(
            self.from_box_m(at) - BRICK_TO_BOX_M,
            self.from_solids_m(at) - BRICK_TO_FURNITURE_M,
            float(np.linalg.norm(at - self._loader)) - LOADER_TO_BRICK_M,
            min(others_m, default=math.inf) - BRICK_TO_BRICK_M,
        )

    def from_box_m(self, at: np.ndarray) -> float:
        outside = np.maximum(np.abs(at - self.box_m) - self._box_half_m, 0.0)
        return float(np.linalg.norm(outside))

    def from_solids_m(self, at: np.ndarray) -> float:
        """Distance to the nearest rim of furniture and of all that must be kept off."""
        return min(
            (float(np.linalg.norm(at - place)) - radius for place, radius in self._furniture),
            default=math.inf,
        )

    def draw(
        self,
        what: str,
        kerb_m: float,
        slack_m: Callable[[np.ndarray], float],
        *,
        rng: np.random.Generator | None = None,
        hopeless_m: float = HOPELESS_M,
    ) -> np.ndarray:
        """(2,) a place this far inside the kerb whose slack is not negative.

        After TRIES, the one with the most slack, unless it misses its distances by hopeless_m.
        """
        rng = self.rng if rng is None else rng
        limit = self._half_m - kerb_m
        best, best_slack = np.zeros(2), -math.inf
        for _ in range(TRIES):
            at = rng.uniform(-limit, limit, size=2)
            slack = slack_m(at)
            if slack >= 0:
                return at
            if slack > best_slack:
                best, best_slack = at, slack
        if best_slack < -hopeless_m:
            raise self.no_place(what)
        return best

    def no_place(self, what: str) -> WorldError:
        return WorldError(
            f"yard: scene: {what}: found no free place in {TRIES} tries in a room of "
            f"{2 * self._half_m:g} m, expected fewer things or a larger room_m"
        )
