"""Bricks in difficult places: at the kerb, in clusters, far apart; and the loader far from home."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from loopyard.worlds.yard import placing as p
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

WALL_SHARE = 0.4
FLUSH_M = 0.004
"""Between a brick's long side and the kerb."""
CORNER_M = 0.45
"""A brick in a corner lies flush at one kerb and this far from the other: nearer than that, the
wheels would meet the other kerb before the bucket reached the brick."""
CORNER_SHARE = 0.3
WALL_TO_BOX_M = 1.0
CLUSTER_APART_M = 2.0
PACKED_M = 0.03
"""Free between the circles round two bricks of a cluster."""
SPREAD_DRAWS, START_DRAWS = 16, 60
"""A brick that lies far from the others, and the loader far from the box, are the farthest of so
many free places."""
EDGE = 0.5
"""A metre nearer to the edge of the room counts as so many farther from the others."""


class WallBricks(Feature):
    """FM-C01: two bricks of five lie flush at a kerb, some of them in a corner (not the box's)."""

    name = "brick_places"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.brick_places == "wall"

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        bricks = scene.bricks.copy()
        for index in range(max(1, round(WALL_SHARE * len(bricks)))):
            placer.moved(np.delete(bricks, index, axis=0), scene.loader)
            bricks[index] = self._at_kerb(scene.brick_half_m[index], placer, rng)
        placer.moved(bricks, scene.loader)
        return replace(scene, bricks=bricks)

    def _at_kerb(self, half_m: np.ndarray, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        """(3,) x, y, yaw."""
        reach_m = self.params.half_m - CORNER_M
        for _ in range(p.TRIES):
            along_m = rng.uniform(-reach_m, reach_m)
            if rng.random() < CORNER_SHARE:
                along_m = math.copysign(reach_m, along_m)
            flush_m = self.params.half_m - half_m[1] - FLUSH_M
            side, turned = rng.choice([-1.0, 1.0]), rng.integers(2)
            place = np.array([along_m, side * flush_m])[:: 1 - 2 * turned]
            from_box_m = placer.from_box_m(place)
            if from_box_m >= WALL_TO_BOX_M and placer.brick_slack_m(place) >= 0:
                return np.append(place, turned * math.pi / 2)
        raise placer.no_place("brick at the kerb")


class ClusteredBricks(Feature):
    """FM-C02: all bricks lie in one to three dense clusters."""

    name = "brick_places"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.brick_places == "clustered"

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        count = len(scene.bricks)
        radii_m = np.hypot(scene.brick_half_m[:, 0], scene.brick_half_m[:, 1])
        of_cluster = np.array_split(np.arange(count), rng.integers(1, 4))
        placer.moved(np.empty((0, 3)), scene.loader)
        bricks, centres = scene.bricks.copy(), list[np.ndarray]()
        for members in (part for part in of_cluster if len(part)):
            # Random circles fill about half of a disc before they find no more room.
            wide_m = float(radii_m[members].max()) * math.sqrt(len(members) / 0.5)
            centre = placer.draw(
                "cluster of bricks",
                p.BRICK_TO_KERB_M + wide_m,
                lambda at, wide_m=wide_m: min(
                    placer.brick_slack_m(at) - wide_m, _apart_m(at, centres) - CLUSTER_APART_M
                ),
                rng=rng,
                hopeless_m=0.5,
            )
            centres.append(centre)
            self._fill(bricks, members, radii_m, centre, wide_m, placer, rng)
        placer.moved(bricks, scene.loader)
        return replace(scene, bricks=bricks)

    def _fill(
        self,
        bricks: np.ndarray,
        members: np.ndarray,
        radii_m: np.ndarray,
        centre: np.ndarray,
        wide_m: float,
        placer: Placer,
        rng: np.random.Generator,
    ) -> None:
        """Set ``members`` of bricks (N, 3) down within a circle, none on another."""
        limit_m = self.params.half_m - p.BRICK_TO_KERB_M
        for number, index in enumerate(members):
            before = members[:number]
            for _ in range(p.TRIES):
                angle, out_m = rng.uniform(0, 2 * math.pi), wide_m * math.sqrt(rng.random())
                at = centre + out_m * np.array([math.cos(angle), math.sin(angle)])
                apart_m = np.linalg.norm(bricks[before, :2] - at, axis=1)
                needed_m = radii_m[before] + radii_m[index] + PACKED_M
                inside = np.abs(at).max() <= limit_m and placer.brick_slack_m(at) >= 0
                if inside and (apart_m >= needed_m).all():
                    break
                wide_m *= 1.002  # a full circle grows a little
            else:
                raise placer.no_place("brick of a cluster")
            bricks[index] = (*at, rng.uniform(-math.pi, math.pi))


class SpreadBricks(Feature):
    """FM-D02: bricks as far from each other as they come, up to the edges of the room."""

    name = "brick_places"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.brick_places == "spread"

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        bricks = scene.bricks.copy()
        for index in range(len(bricks)):
            done = bricks[:index]
            placer.moved(done, scene.loader)
            bricks[index, :2] = _farthest(
                placer, rng, "brick", p.BRICK_TO_KERB_M, placer.brick_slack_m,
                lambda at, done=done: _apart_m(at, done[:, :2]) + EDGE * float(np.abs(at).max()),
            )  # fmt: skip
        placer.moved(bricks, scene.loader)
        return replace(scene, bricks=bricks)


class FarStart(Feature):
    """FM-D03: the loader starts as far from the box as it can."""

    name = "loader_start"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.loader_start == "farthest"

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        def slack_m(at: np.ndarray) -> float:
            from_bricks_m = _apart_m(at, scene.bricks[:, :2])
            return min(from_bricks_m, placer.from_solids_m(at)) - p.LOADER_TO_BRICK_M

        place = _farthest(
            placer, rng, "loader", p.LOADER_TO_KERB_M, slack_m, placer.from_box_m, START_DRAWS
        )
        loader = np.append(place, scene.loader[2])
        placer.moved(scene.bricks, loader)
        return replace(scene, loader=loader)


def _farthest(
    placer: Placer,
    rng: np.random.Generator,
    what: str,
    kerb_m: float,
    slack_m: Callable[[np.ndarray], float],
    far_m: Callable[[np.ndarray], float],
    draws: int = SPREAD_DRAWS,
) -> np.ndarray:
    """(2,) of some free places the one that is farthest."""
    free = [placer.draw(what, kerb_m, slack_m, rng=rng, hopeless_m=0.0) for _ in range(draws)]
    return max(free, key=far_m)


def _apart_m(at: np.ndarray, others: np.ndarray | list[np.ndarray]) -> float:
    """Distance from (2,) to the nearest of (N, 2)."""
    return min((float(np.linalg.norm(at - other)) for other in others), default=math.inf)
