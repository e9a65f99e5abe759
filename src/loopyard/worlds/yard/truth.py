"""What is true in the yard at one moment: all an expert may know."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.params import YardParams


@dataclass(frozen=True)
class MoverTruth:
    """Someone who walks about. Yard frame, metres and metres a second.

    alert: came near and has not gone far enough since (the world remembers, the expert need not).
    """

    kind: str
    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    alert: bool


@dataclass(frozen=True)
class Annex:
    """Ground behind a door, as wide as the yard. door_m: (2,) the door's middle. yaw_rad: the way
    in, across the door."""

    door_m: np.ndarray
    yaw_rad: float
    is_open: bool


@dataclass(frozen=True)
class YardTruth:
    """A moment of the yard, as a value. Yard frame: metres, origin mid-floor, z up; yaw in radians.

    lift, bucket: 0..1, where they are (bucket 1 is curled); their targets: where they are sent.
    bricks: (N, 3) middles. held, delivered: (N,) bool.
    furniture: (M, 5) x, y, yaw, half length, half width of every solid that stands on the floor.
    view_half_rad: half of the ego camera's horizontal view. box_m: (2,) the middle of the box.
    required: (N,) bool, bricks that success asks for. fits: (N,) bool, bricks that the bucket can
    take. tries: (N,) int, how often the bucket closed on a brick in vain.
    unknown: indices of bricks that nobody can know of: behind a door that is still shut.
    floor_m: height of the floor under each brick, (N,) or one for all.
    keep_out: (K, 5) as furniture, ground to stay off: holes, edges, fragile things with their
    distance. movers: who walks about. annex: ground behind a door, or None. downhill: the loader
    stands on a descent. box_known: it stands where it always does; else one must see it to know.
    spill_mps2: sideways acceleration at the bucket from which a load slides out.
    """

    x_m: float
    y_m: float
    yaw_rad: float
    lift: float
    bucket: float
    lift_target: float
    bucket_target: float
    bricks: np.ndarray
    held: np.ndarray
    delivered: np.ndarray
    furniture: np.ndarray
    view_half_rad: float
    params: YardParams
    box_m: np.ndarray
    required: np.ndarray
    fits: np.ndarray
    tries: np.ndarray
    unknown: tuple[int, ...] = ()
    floor_m: np.ndarray | float = 0.0
    keep_out: np.ndarray = field(default_factory=lambda: np.empty((0, 5)))
    movers: tuple[MoverTruth, ...] = ()
    annex: Annex | None = None
    box_known: bool = True
    downhill: bool = False
    spill_mps2: float = math.inf

    @cached_property
    def here(self) -> np.ndarray:
        """(2,) the middle of the loader's axle, in the yard frame. Not to be written to."""
        return np.array([self.x_m, self.y_m])

    @cached_property
    def _facing(self) -> tuple[float, float]:
        return math.cos(self.yaw_rad), math.sin(self.yaw_rad)

    @property
    def known(self) -> np.ndarray:
        """(N,) bool: all bricks but the unknown ones."""
        known = np.ones(len(self.held), dtype=bool)
        if self.unknown:
            known[list(self.unknown)] = False
        return known

    @property
    def load(self) -> int:
        return int(np.count_nonzero(self.held))

    @property
    def bricks_on_floor(self) -> int:
        """Neither held nor delivered: with one brick in all, bricks_left would never change."""
        return len(self.held) - int(np.count_nonzero(self.held | self.delivered))

    @property
    def bricks_left(self) -> int:
        return len(self.delivered) - int(np.count_nonzero(self.delivered))

    def local(self, points_m: np.ndarray) -> np.ndarray:
        """(..., 2) yard-frame x, y as seen from the loader: forward and left of the axle."""
        offset = np.asarray(points_m)[..., :2] - self.here
        cos, sin = self._facing
        east, north = offset[..., 0], offset[..., 1]
        seen = np.empty_like(offset)
        seen[..., 0] = east * cos + north * sin
        seen[..., 1] = north * cos - east * sin
        return seen

    def ahead(self, forward_m: float, left_m: float = 0.0) -> np.ndarray:
        """(2,) the yard-frame place of a point given in the loader's frame."""
        cos, sin = self._facing
        return np.array(
            [self.x_m + forward_m * cos - left_m * sin, self.y_m + forward_m * sin + left_m * cos]
        )

    def in_mouth(self) -> np.ndarray:
        """(N,) bool: free bricks on the floor between the cheeks of a lowered bucket, that fit in.

        The mouth is taken where it is with the bucket open, however far it is curled now, so that
        curling goes on until the hold takes.
        """
        local = self.local(self.bricks) - (g.bucket_reach_m(self.lift), 0.0)
        between = np.abs(local[:, 1]) < g.MOUTH_HALF_WIDTH_M
        inside = (local[:, 0] > g.MOUTH_X_M[0]) & (local[:, 0] < g.MOUTH_X_M[1])
        on_floor = self.bricks[:, 2] - self.floor_m < 0.2
        return between & inside & on_floor & self.fits & ~self.held & ~self.delivered
