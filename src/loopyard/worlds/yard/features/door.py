"""A part of the yard behind a partition, whose door opens after a while."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.core.errors import WorldError
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.truth import Annex

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

STRIP_M = 2.1
"""Depth of the ground behind: a loader can turn there."""
DOOR_M = 1.7
WALL_HALF_M, DOOR_HALF_M = 0.06, 0.045
TALL_HALF_M = 0.4
SLIDES_S = 0.8
TO_WALL_M, APART_M = 0.75, 0.6
"""Bricks behind the door: from kerb and partition, and from each other."""
TRIES = 200
DOOR_RGB = (0.24, 0.44, 0.42)
WALLS = 2
"""Solids of the partition; one more is the door."""


class Door(Feature):
    """The side farthest from the box, cut off; the door slides into the partition when it opens.

    A closed door is a solid like the partition. What lies behind it nobody can know.
    """

    name = "door"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.door_opens_at_s is not None

    def __init__(self, params: YardParams) -> None:
        super().__init__(params)
        self._opens_tick = round((params.door_opens_at_s or 0.0) * params.fps)

    def solids(self) -> int:
        return WALLS + 1

    def bind(self, body: YardBody) -> None:
        first = body.params.furniture
        for feature in body.features:
            if feature is self:
                break
            first += feature.solids()
        self._row = first + WALLS
        self._door = body.model.body(f"furniture_{self._row}").id
        body.model.geom_rgba[body.model.geom(f"furniture_{self._row}").id, :3] = DOOR_RGB

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        half_m, self._turn = self.params.half_m, _strip(placer.box_m, rng)
        at = half_m - STRIP_M
        room_m = half_m - DOOR_M / 2 - DOOR_M
        if room_m <= 0.2:
            raise WorldError(
                f"yard: scene: door: found no room for a partition in a room of {2 * half_m:g} m, "
                "expected a larger room_m"
            )
        middle = float(rng.uniform(-room_m, room_m))
        low, high = middle - DOOR_M / 2, middle + DOOR_M / 2
        rows = [
            (at, (low - half_m) / 2, 0.0, WALL_HALF_M, (low + half_m) / 2, TALL_HALF_M),
            (at, (high + half_m) / 2, 0.0, WALL_HALF_M, (half_m - high) / 2, TALL_HALF_M),
            (at, middle, 0.0, DOOR_HALF_M, DOOR_M / 2, TALL_HALF_M * 0.98),
        ]
        # Nothing of the yard's own is set down in the strip.
        for along in np.arange(-half_m, half_m + 0.5, 0.5):
            x, y = self._turn @ (at + STRIP_M / 2 - 0.1, along)
            placer.keep_off(float(x), float(y), STRIP_M / 2 + 0.1)
        turned = [_turned(self._turn, row) for row in rows]
        return np.array(turned)

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        behind = min(self.params.bricks_behind_door, len(scene.bricks))
        bricks, half_m = scene.bricks.copy(), self.params.half_m
        places: list[np.ndarray] = []
        for _ in range(TRIES):
            if len(places) == behind:
                break
            across = rng.uniform(half_m - STRIP_M + TO_WALL_M, half_m - TO_WALL_M)
            along = rng.uniform(-half_m + TO_WALL_M, half_m - TO_WALL_M)
            there = self._turn @ (across, along)
            if all(np.linalg.norm(there - other) >= APART_M for other in places):
                places.append(there)
        if len(places) < behind:
            raise WorldError(
                f"yard: scene: bricks_behind_door: found room for {len(places)} in {TRIES} tries, "
                f"expected room for {behind}"
            )
        for index, there in enumerate(places, start=len(bricks) - behind):
            bricks[index, :2] = there
        self._behind = tuple(range(len(bricks) - behind, len(bricks)))
        return replace(scene, bricks=bricks)

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        self._shut = scene.solids[self._row, :2].copy()
        walls = scene.solids[self._row - WALLS : self._row]
        longer = walls[np.linalg.norm(walls[:, 3:5], axis=1).argmax()]
        towards = longer[:2] - self._shut
        self._slides = DOOR_M * towards / np.linalg.norm(towards)
        self._hang(body, 0)

    def before(self, body: YardBody) -> None:
        if body.tick >= self._opens_tick:
            self._hang(body, body.tick)

    def tell(self, fields: dict[str, Any]) -> None:
        if self._share == 0.0:
            fields["unknown"] = (*fields.get("unknown", ()), *self._behind)
        inward = self._turn @ (1.0, 0.0)
        yaw_rad = math.atan2(inward[1], inward[0])
        fields["annex"] = Annex(self._shut, yaw_rad, is_open=self._share >= 1.0)
        if self._share >= 1.0:
            fields["furniture"] = np.delete(fields["furniture"], self._row, axis=0)

    def set_state(self, state: Any, body: YardBody) -> None:
        self._hang(body, body.tick - 1)

    def _hang(self, body: YardBody, tick: int) -> None:
        """The door as it hangs in the physics of that tick."""
        gone = (tick + 1 - self._opens_tick) / (SLIDES_S * self.params.fps)
        self._share = min(1.0, max(0.0, gone))
        body.model.body_pos[self._door, :2] = self._shut + self._share * self._slides


def _strip(box_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(2, 2) turns a yard whose strip is in the east into one where it is across from the box."""
    side = int(rng.integers(2))
    angle = 0.0 if side == 0 else math.pi / 2
    if box_m[side] > 0:
        angle += math.pi
    cos, sin = round(math.cos(angle)), round(math.sin(angle))
    return np.array([[cos, -sin], [sin, cos]], dtype=float)


def _turned(turn: np.ndarray, row: tuple[float, ...]) -> tuple[float, ...]:
    """A solid's row in the turned yard; quarter turns keep its sides along the axes."""
    x, y = turn @ row[:2]
    half = (row[3], row[4]) if turn[0, 0] else (row[4], row[3])
    return float(x), float(y), 0.0, *half, row[5]
