"""Layouts: solids that stand as a difficult group, and the loader and bricks that meet them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import placing as p
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import Layout, YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

HALF_HEIGHT_M = 0.2
ROUND_M = 1.3
"""From the group to the kerb: room to drive round it."""
GROUP_TO_BOX_M = 1.4
GROUP_TO_SOLIDS_M = 1.2
GROUP_TRIES = 2_000
START_FREE_M = 0.4
"""Nothing is set down so near to the loader's start, or to the way out of a trap."""


@dataclass(frozen=True)
class Group:
    """What stands together, in a frame of its own whose x axis is the way the loader drives.

    solids: (K, 6) as `Scene.solids`. bricks: (B, 2). start: (2,) the loader's, which looks along
    -x, or a place that has to stay free for it.
    """

    solids: np.ndarray
    bricks: np.ndarray
    start: np.ndarray


class GroupLayout(Feature, ABC):
    """A layout whose group stands anywhere in the yard, turned anyhow, room round it."""

    name = "layout"
    layout: Layout
    moves_loader = True
    off_middle_rad = math.pi
    """So far its x axis may point past the middle of the room."""

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.layout == getattr(cls, "layout", None)

    @abstractmethod
    def group(self) -> Group:
        """The group, from the parameters alone."""

    def solids(self) -> int:
        return len(self.group().solids)

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        group = self.group()
        x, y, yaw = self._stand(group, placer, rng)
        self._bricks = _turned(group.bricks, x, y, yaw)
        self._start = np.append(_turned(group.start[None], x, y, yaw)[0], yaw + math.pi)
        placed = group.solids.copy()
        placed[:, :2] = _turned(group.solids[:, :2], x, y, yaw)
        placed[:, 2] += yaw
        for row in placed:
            placer.keep_off_solid(row)
        for at in (*self._bricks, self._start):
            placer.keep_off(at[0], at[1], START_FREE_M)
        return placed

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        bricks, loader = scene.bricks.copy(), scene.loader
        count = min(len(bricks), len(self._bricks))
        bricks[:count, :2] = self._bricks[:count]
        if self.moves_loader:
            loader = self._start
        placer.moved(bricks, loader)
        return replace(scene, bricks=bricks, loader=loader)

    def _stand(self, group: Group, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        """(3,) x, y, yaw where everything of the group keeps its distances.

        Raises:
            WorldError: there is no such place.
        """
        corners, half_m = _corners(group.solids), self.params.half_m
        for _ in range(GROUP_TRIES):
            place = rng.uniform((-half_m, -half_m, -math.pi), (half_m, half_m, math.pi))
            to_middle = math.atan2(-place[1], -place[0]) - place[2]
            if math.cos(to_middle) < math.cos(self.off_middle_rad):
                continue
            ends = _turned(corners, *place)
            bricks = _turned(group.bricks, *place)
            start = _turned(group.start[None], *place)
            if (
                np.abs(ends).max() <= half_m - ROUND_M
                and np.abs(bricks).max() <= half_m - p.BRICK_TO_KERB_M
                and np.abs(start).max() <= half_m - p.LOADER_TO_KERB_M
                and min(map(placer.from_box_m, ends)) >= GROUP_TO_BOX_M
                and min(map(placer.from_box_m, (*bricks, *start))) >= p.LOADER_TO_BOX_M
                and min(map(placer.from_solids_m, (*ends, *bricks, *start))) >= GROUP_TO_SOLIDS_M
            ):
                return place
        raise placer.no_place(f"layout {self.layout}")


class Gap(GroupLayout):
    """Two solids with a gap between them, the loader before it and a brick behind it."""

    layout = "gap"

    def group(self) -> Group:
        across_m = self.params.gap_widths * g.LOADER_WIDTH_M / 2 + 0.45
        solids = [(0.0, side * across_m, 0.0, 0.2, 0.45, HALF_HEIGHT_M) for side in (-1, 1)]
        return Group(np.array(solids), np.array([(-1.2, 0.0)]), np.array([1.6, 0.0]))


class Blocked(GroupLayout):
    """An obstacle of 0.5 x 0.3 x 0.4 m on the straight way from the loader to a brick."""

    layout = "blocked"

    def group(self) -> Group:
        solids = np.array([(0.0, 0.0, 0.0, 0.15, 0.25, 0.2)])
        return Group(solids, np.array([(-1.2, 0.0)]), np.array([1.6, 0.0]))


class Trap(GroupLayout):
    """A U of furniture, wide enough to drive in and back out, with one or two bricks inside."""

    layout = "trap"
    moves_loader = False
    off_middle_rad = 0.7  # from a side that faces a wall nobody would see what lies inside
    inner_half_m, deep_m, thick_m = 0.85, 1.1, 0.1

    def group(self) -> Group:
        at_m = self.inner_half_m + self.thick_m
        arm = self.deep_m / 2, self.thick_m, HALF_HEIGHT_M
        back = self.thick_m, self.inner_half_m + 2 * self.thick_m, HALF_HEIGHT_M
        solids = [
            (-self.thick_m, 0.0, 0.0, *back),
            (arm[0], at_m, 0.0, *arm),
            (arm[0], -at_m, 0.0, *arm),
        ]
        bricks = [(0.45, 0.0)] if self.params.bricks < 4 else [(0.45, 0.2), (0.45, -0.2)]
        return Group(np.array(solids), np.array(bricks), np.array([self.deep_m + 1.0, 0.0]))


class Zigzag(Feature):
    """Walls across the way to the box, left and right by turns: a load is carried round each."""

    name = "layout"
    first_m, apart_m, far_end_m = 2.6, 1.7, 2.0
    """Along the diagonal: from the box to the first wall, from wall to wall, to the far corner."""
    most = 3
    half_long_m, half_thick_m, aside_m = 0.6, 0.12, 0.4

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.layout == "zigzag"

    def solids(self) -> int:
        return len(self._rows())

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        rows = self._rows()
        if not len(rows):
            raise placer.no_place("layout zigzag")
        rows[:, :2] += rng.uniform(-0.1, 0.1, (len(rows), 2))
        if rng.random() < 0.5:
            rows = rows[:, [1, 0, 2, 3, 4, 5]]  # mirrored in the diagonal
        for row in rows:
            placer.keep_off_solid(row)
        return rows

    def _rows(self) -> np.ndarray:
        """(K, 6) as `Scene.solids`: as many walls as the diagonal has room for."""
        corner_m = (self.params.box_centre_m + self.params.box_side_m / 2) * math.sqrt(2)
        end_m = self.params.half_m * math.sqrt(2) - self.far_end_m
        along = np.arange(corner_m + self.first_m, end_m, self.apart_m)[: self.most]
        aside = self.aside_m * (-1.0) ** np.arange(len(along))
        x, y = (along - aside) / math.sqrt(2), (along + aside) / math.sqrt(2)
        shape = math.pi / 4, self.half_thick_m, self.half_long_m, HALF_HEIGHT_M
        return np.column_stack([x, y, np.tile(shape, (len(along), 1))])


def _corners(solids: np.ndarray) -> np.ndarray:
    """(4 K, 2) of solids that are not turned."""
    signs = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
    return (solids[:, None, :2] + signs * solids[:, None, 3:5]).reshape(-1, 2)


def _turned(points: np.ndarray, x_m: float, y_m: float, yaw_rad: float) -> np.ndarray:
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    return points @ np.array([[cos, sin], [-sin, cos]]) + (x_m, y_m)
