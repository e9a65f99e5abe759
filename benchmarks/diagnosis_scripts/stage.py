"""The world a script drives, and the words that scripts are written in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.truth import YardTruth
from loopyard.worlds.yard.world import YardWorld

Script = Iterator[np.ndarray]
Make = Callable[["Stage"], Script]
STOP = np.zeros(4, np.float32)
AWAY_M = 1.15
"""A drive that never reaches a brick keeps its axle so far from all of them: the bucket ends 0.66 m
ahead of it."""


@dataclass
class Stage:
    """The world a script drives, its own random numbers, and what the script found out."""

    world: YardWorld
    rng: np.random.Generator
    shown: bool = True
    tick: int = 0
    began: int = 0
    expert: YardExpert = field(default_factory=YardExpert)

    def __post_init__(self) -> None:
        self.truth: YardTruth = self.world.truth()

    @property
    def here(self) -> np.ndarray:
        return np.array([self.truth.x_m, self.truth.y_m])

    @property
    def half_m(self) -> float:
        return self.truth.params.half_m

    def bricks(self) -> np.ndarray:
        """(N, 2) the bricks on the floor."""
        truth = self.truth
        return truth.bricks[~truth.held & ~truth.delivered, :2]

    def nearest_m(self) -> float:
        return float(np.linalg.norm(self.bricks() - self.here, axis=1).min(initial=math.inf))

    def begin(self) -> None:
        """To be called where what the script is about begins: it needs some time to show."""
        self.began = self.tick

    def keep_away(self) -> None:
        """To be called in each tick of a drive that must not reach a brick."""
        self.shown &= self.nearest_m() > AWAY_M

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def room_m(self, at: np.ndarray) -> float:
        """From a place to the nearest kerb, box, furniture: what is left for the loader."""
        truth = self.truth
        half = truth.params.box_side_m / 2
        solids = [(*truth.box_m, 0.0, half, half), *truth.furniture]
        rooms = [self.half_m - float(np.abs(at).max())]
        for x, y, yaw, half_x, half_y in solids:
            turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
            outside = np.maximum(np.abs((at - (x, y)) @ turn) - (half_x, half_y), 0.0)
            rooms.append(float(np.linalg.norm(outside)))
        return min(rooms)

    def far_place(self, *, from_m: float = 1.5, room_m: float = 0.8) -> np.ndarray | None:
        """(2,) a random place with room whose straight way there stays away from every brick."""
        bricks = self.bricks()
        for _ in range(300):
            at = self.rng.uniform(-self.half_m, self.half_m, 2)
            way = self.here + np.linspace(0.0, 1.0, 25)[:, None] * (at - self.here)
            if float(np.linalg.norm(at - self.here)) < from_m or self.room_m(at) < room_m:
                continue
            apart = np.linalg.norm(way[:, None] - bricks[None], axis=2)
            if apart.min(initial=math.inf) > AWAY_M + 0.1 and min(map(self.room_m, way)) > 0.6:
                return at
        return None
