"""Ground that does not carry: an edge, a hole, and a floor that gives way."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.core.errors import WorldError
from loopyard.core.seeds import stream
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.features.slabs import (
    THICK_M,
    kerb_xml,
    lay,
    lay_between,
    lay_flat,
    lay_kerb,
    slab_xml,
)
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.scene import Scene

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer

FELL_M = -0.15
"""The axle's ground this far under the floor: nothing brings the loader back."""

EDGE_M = 1.0
"""To be kept from a cliff."""
CLIFF_DEEP_M = 3.0
ROUND_PIT_M = 0.5
"""To be kept from a pit's rim."""
PIT_DEEP_M = 1.2
WALL_RADII = 1.12
"""Its walls stand so many radii from its middle, behind the corners of the octagon."""
ZONE_TO_KERB_M, ZONE_TO_BOX_M = 1.0, 1.2
"""Room for the loader to pass a zone between it and the kerb, and to turn to the box."""
INTO_ZONE_M = 0.4
"""A brick keeps three quarters of a metre from furniture, from a zone this much less."""
TRIES = 400

DEEP_RGBA = ".09 .09 .11 1"
ROCK_RGBA = ".34 .28 .23 1"
LID_RGBA = ".44 .32 .20 1"
CRACK_RGBA = ".12 .09 .07 1"
NOT_LEVEL_M = 0.001
"""Where two surfaces overlap one lies this much lower, or they would flicker in the picture."""
EIGHTH = math.tan(math.pi / 8)
"""Half a side of an octagon, of its inner radius."""


class Hazard(Feature, ABC):
    """Ground to stay off, built of slabs over a deep floor; who falls has ended the drive."""

    deep_m = PIT_DEEP_M
    seen_rooms = 1.0
    """Side of the ground deep down that is drawn, in rooms."""
    violation = "violation_zone"
    zone: np.ndarray
    """(K, 5) rows of `YardTruth.keep_out`, of the scene."""

    def without_floor(self) -> bool:
        return True

    def xml(self) -> str:
        half = self.seen_rooms * self.params.room_m / 2
        return (
            f'<geom name="deep" type="plane" size="{half} {half} 20" pos="0 0 {-self.deep_m}" '
            f'contype="{m.FLOOR}" conaffinity="0" rgba="{DEEP_RGBA}"/>'
        )

    def bind(self, body: YardBody) -> None:
        self._loader_q = int(body.model.joint("loader").qposadr[0])

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        self._inside = False

    def after(self, body: YardBody) -> dict[str, int]:
        """A violation where the axle enters the ground to stay off, and where it falls."""
        at = self._loader_q
        x, y, z = body.data.qpos[at : at + 3].tolist()
        was_inside, self._inside = self._inside, self.inside(x, y)
        events = {self.violation: 1} if self._inside and not was_inside else {}
        if z < FELL_M and body.ended is None:
            body.ended = "fell"
            events["violation_fall"] = 1
        return events

    @abstractmethod
    def inside(self, x_m: float, y_m: float) -> bool:
        """Does an axle at this place violate the distance to keep?"""

    def tell(self, fields: dict[str, Any]) -> None:
        others = fields.get("keep_out", np.empty((0, 5)))
        fields["keep_out"] = np.concatenate([others, self.zone])

    def state(self) -> Any:
        return self._inside

    def set_state(self, state: Any, body: YardBody) -> None:
        self._inside = state


class Cliff(Hazard):
    """One side, east or north, without a kerb: the floor ends where it would stand."""

    name = "cliff"
    deep_m = CLIFF_DEEP_M
    seen_rooms = 4.0
    violation = "violation_edge"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.hazard == "cliff"

    def open_sides(self) -> tuple[str, ...]:
        return ("east", "north")

    def xml(self) -> str:
        return super().xml() + slab_xml("ground") + slab_xml("rock", ROCK_RGBA) + kerb_xml("other")

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        far_m = 1000.0  # a disc whose rim is as good as straight
        centre = np.zeros(2)
        centre[_side(rng)] = self.params.half_m - EDGE_M + INTO_ZONE_M + far_m
        placer.keep_off(centre[0], centre[1], far_m)
        return np.empty((0, 6))

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        super().place(body, scene, key)
        self.axis = axis = _side(stream("yard-feature", self.name, *key))
        half_m, room_m = self.params.half_m, self.params.room_m / 2
        end = np.full(2, room_m)
        end[axis] = half_m
        lay_flat(body.model, "ground", (-room_m, -room_m), end)
        # A finger's breadth back, so that rock and floor do not fight for the same pixels.
        low, high = (-room_m, -room_m, -CLIFF_DEEP_M), (*(end - 0.01), -0.02)
        lay_between(body.model, "rock", low, high)
        lay_kerb(body.model, "other", 1 - axis, half_m, (-half_m, half_m), 0.0)
        row = np.zeros(5)
        row[axis], row[3:] = half_m, 2 * room_m
        row[3 + axis] = EDGE_M
        self.zone = row[None]

    def inside(self, x_m: float, y_m: float) -> bool:
        return (x_m, y_m)[self.axis] > self.params.half_m - EDGE_M


class Hole(Hazard):
    """An octagonal pit of the radius `hazard_radius_m`."""

    name = "hole"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.hazard == "hole"

    def xml(self) -> str:
        slabs = "".join(slab_xml(f"ground_{index}") for index in range(8))
        return f'{super().xml()}{slabs}<body name="pit">{self._walls()}</body>'

    def _walls(self) -> str:
        """What one sees under the slabs, for else it would be daylight."""
        away_m, half_m = WALL_RADII * self.params.hazard_radius_m, (PIT_DEEP_M - THICK_M) / 2
        return "".join(
            f'<geom class="look" type="box" rgba="{DEEP_RGBA}" '
            f'pos="{x * away_m} {y * away_m} {half_m - PIT_DEEP_M}" '
            f'size="{0.01 if x else away_m} {0.01 if y else away_m} {half_m}"/>'
            for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
        )

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        x, y = self._draw_middle(rng, placer.box_m)
        placer.keep_off(x, y, self._zone_m - INTO_ZONE_M)
        return np.empty((0, 6))

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        super().place(body, scene, key)
        x, y = self.middle = self._draw_middle(stream("yard-feature", self.name, *key), scene.box)
        body.model.body_pos[body.model.body("pit").id, :2] = self.middle
        radius, room_m = self.params.hazard_radius_m, self.params.room_m / 2
        for index, corners in enumerate(
            [
                ((-room_m, -room_m), (x - radius, room_m)),
                ((x + radius, -room_m), (room_m, room_m)),
                ((x - radius, -room_m), (x + radius, y - radius)),
                ((x - radius, y + radius), (x + radius, room_m)),
            ]
        ):
            lay_flat(body.model, f"ground_{index}", *corners)
        self._cut_corners(body)
        # Eight rectangles across each other make a polygon of sixteen sides: a way along it turns
        # so little at a corner that a brick beyond stays in the picture.
        half_side_m = self._zone_m * math.tan(math.pi / 16)
        angles = np.arange(8) * math.pi / 8
        self.zone = np.array([(x, y, angle, self._zone_m, half_side_m) for angle in angles])

    def inside(self, x_m: float, y_m: float) -> bool:
        return math.dist((x_m, y_m), self.middle) < self._zone_m

    def _cut_corners(self, body: YardBody) -> None:
        """The slabs that make an octagon of the square, each over one of its corners."""
        radius, half_thick = self.params.hazard_radius_m, 0.1
        deep = radius * (math.sqrt(2) - 1) / 2
        for index in range(4):
            angle = (index + 0.5) * math.pi / 2
            away = np.array([math.cos(angle), math.sin(angle)]) * (radius + deep)
            lay(
                body.model,
                f"ground_{4 + index}",
                (*(self.middle + away), -half_thick - NOT_LEVEL_M),
                (deep, EIGHTH * radius, half_thick),
                (math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)),
            )

    @property
    def _zone_m(self) -> float:
        return self.params.hazard_radius_m + ROUND_PIT_M

    def _draw_middle(self, rng: np.random.Generator, box_m: np.ndarray) -> np.ndarray:
        """(2,) where the pit is: the loader can pass on every side, and turn to the box."""
        params = self.params
        most_m = params.half_m - self._zone_m - ZONE_TO_KERB_M
        if most_m > 0:
            for _ in range(TRIES):
                at = rng.uniform(-most_m, most_m, size=2)
                outside = np.maximum(np.abs(at - box_m) - params.box_side_m / 2, 0.0)
                if np.linalg.norm(outside) > self._zone_m + ZONE_TO_BOX_M:
                    return at
        raise WorldError(
            f"yard: scene: {self.name}: found no free place in {TRIES} tries in a room of "
            f"{2 * params.half_m:g} m, expected a larger room_m or a hazard_radius_m under "
            f"{params.hazard_radius_m:g}"
        )


class Collapse(Hole):
    """A pit under a cracked lid, which gives way as soon as the axle is over it."""

    name = "collapse"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.hazard == "collapse"

    def xml(self) -> str:
        radius = self.params.hazard_radius_m
        look = f'class="look" type="box" rgba="{CRACK_RGBA}"'
        # Lines from the middle outwards, each broken once: drawn by a rule, the same in all yards.
        cracks = []
        for index in range(7):
            angle = 2.4 * index
            for near, far, turn in ((0.08, 0.5, 0.0), (0.5, 0.92, 0.35)):
                middle, half = (near + far) / 2 * radius, (far - near) / 2 * radius
                x, y = middle * math.cos(angle + turn / 2), middle * math.sin(angle + turn / 2)
                cracks.append(
                    f'<geom {look} pos="{x:.4f} {y:.4f} 0" size="{half:.4f} .015 .001" '
                    f'euler="0 0 {angle + turn:.4f}"/>'
                )
        return super().xml() + (
            f'<body name="lid"><geom name="lid" type="box" pos="0 0 -.022" '
            f'size="{radius} {radius} .02" contype="{m.FLOOR}" conaffinity="0" rgba="{LID_RGBA}"/>'
            f"{''.join(cracks)}</body>"
        )

    def bind(self, body: YardBody) -> None:
        super().bind(body)
        lid = body.model.body("lid")
        self._lid_body, self._lid_geom = lid.id, body.model.geom("lid").id
        first = int(lid.geomadr[0])
        self._lid_geoms = np.arange(first, first + int(lid.geomnum[0]))

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        super().place(body, scene, key)
        body.model.body_pos[self._lid_body, :2] = self.middle
        self._set_lid(body, gone=False)

    def after(self, body: YardBody) -> dict[str, int]:
        events = super().after(body)
        at = self._loader_q
        over = math.dist(body.data.qpos[at : at + 2], self.middle) < self.params.hazard_radius_m
        if over and not self._gone:
            self._set_lid(body, gone=True)
        return events

    def state(self) -> Any:
        return self._inside, self._gone

    def set_state(self, state: Any, body: YardBody) -> None:
        self._inside, gone = state
        self._set_lid(body, gone=gone)

    def _set_lid(self, body: YardBody, *, gone: bool) -> None:
        self._gone = gone
        body.model.geom_contype[self._lid_geom] = 0 if gone else m.FLOOR
        body.model.geom_rgba[self._lid_geoms, 3] = 0.0 if gone else 1.0


def _side(rng: np.random.Generator) -> int:
    """The axis at whose upper end the cliff is: 0 east, 1 north."""
    return int(rng.integers(2))
