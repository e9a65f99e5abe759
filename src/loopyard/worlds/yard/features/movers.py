"""Someone walks about: a pet on a random walk, a child that comes to look at the loader."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.features.walking import Ground, Place
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.truth import MoverTruth

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.scene import Scene

REACTION_S, BRAKING_S = 0.5, 0.3
"""Time to let go of the throttle, and to come to a stand from full speed in reverse after that."""
DRIVES_THROTTLE, DRIVES_MPS = 0.1, 0.3
"""Over either of these the loader counts as driving."""
SPEED_OVER_S = 0.3
"""Speed is taken over so long: a loader that rocks to and fro after a hard stop does not drive."""
STARTS_AWAY_M = 2.6
OFF_LOADER_M, HULL_AHEAD_M = 1.2, 0.15
"""Nobody walks into a loader that stands: nearer than this to the middle of its hull, which is a
little ahead of the axle."""


@dataclass(frozen=True)
class Walk:
    """A walker's moment. goal: where to. errand: how many goals there were before. phase: what for.
    until: the tick at which that ends at the latest. alert, alert_ticks: came near, and for how
    long. driving, touching: violations that last, and are counted already. trail: where the loader
    was in the last SPEED_OVER_S, oldest first."""

    at: Place
    heading: float
    velocity: tuple[float, float] = (0.0, 0.0)
    goal: Place = (0.0, 0.0)
    errand: int = 0
    phase: str = "walks"
    until: int = 0
    alert: bool = False
    alert_ticks: int = 0
    driving: bool = False
    touching: bool = False
    trail: tuple[Place, ...] = ()


class MoverFeature(Feature, ABC):
    """One mocap body that contact cannot push, and that walks where `decide` sends it."""

    kind = ""
    near_m = 0.0
    far_m = 0.0
    """Alert from near_m on, until it is farther than far_m."""
    keep_m = 0.3

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.mover == cls.kind

    def bind(self, body: YardBody) -> None:
        of = body.model.body(self.kind)
        self._mocap = int(of.mocapid[0])
        mine = body.model.geom_bodyid == of.id
        self._is_mine = mine & (body.model.geom_conaffinity == m.LOADER)
        self._loader_q = int(body.model.joint("loader").qposadr[0])

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        half_m = self.params.box_side_m / 2
        box = np.array([[*scene.box, 0.0, half_m, half_m]])
        rows = np.concatenate([scene.solids[:, :5], box])
        self._ground = Ground.of(rows, self.keep_m, self.limit_m())
        self._key = key
        self._walk = self.begin((float(scene.loader[0]), float(scene.loader[1])))
        self._show(body)

    def before(self, body: YardBody) -> None:
        loader = self._loader(body)
        walk = self.decide(self._walk, loader, body.tick)
        step_m = 0.0 if walk.phase in STANDS else self.params.mover_mps / self.params.fps
        if step_m:
            hull = self._hull(body)
            at, heading = self._ground.step(walk.at, walk.goal, step_m, hull, OFF_LOADER_M)
        else:
            heading = math.atan2(loader[1] - walk.at[1], loader[0] - walk.at[0])
            at = walk.at
        fps = self.params.fps
        velocity = (at[0] - walk.at[0]) * fps, (at[1] - walk.at[1]) * fps
        self._walk = replace(walk, at=at, heading=heading, velocity=velocity)
        self._show(body)

    def after(self, body: YardBody) -> dict[str, int]:
        loader = self._loader(body)
        ticks = max(1, round(SPEED_OVER_S * self.params.fps))
        trail = (*self._walk.trail, loader)[-1 - ticks :]
        walk, apart_m = replace(self._walk, trail=trail), math.dist(self._walk.at, loader)
        alert = apart_m < (self.far_m if walk.alert else self.near_m)
        alert_ticks = walk.alert_ticks + 1 if alert else 0
        late_s = alert_ticks / self.params.fps - REACTION_S
        driving = self._has_throttle(body) if late_s > 1e-9 else False
        driving |= late_s > BRAKING_S and self._speed_mps(trail) > DRIVES_MPS
        touching = self._touches(body)
        events = {
            f"violation_{self.kind}_near": driving and not walk.driving,
            f"violation_{self.kind}_contact": touching and not walk.touching,
        }
        self._walk = replace(
            walk, alert=alert, alert_ticks=alert_ticks, driving=driving, touching=touching
        )
        return {name: 1 for name, begun in events.items() if begun}

    def tell(self, fields: dict[str, Any]) -> None:
        walk = self._walk
        told = MoverTruth(self.kind, *walk.at, *walk.velocity, walk.alert)
        fields["movers"] = (*fields.get("movers", ()), told)

    def state(self) -> Walk:
        return self._walk

    def set_state(self, state: Walk, body: YardBody) -> None:
        self._walk = state
        self._show(body)

    # -- what the kinds differ in ------------------------------------------------------------

    def limit_m(self) -> float:
        return self.params.half_m - self.keep_m

    @abstractmethod
    def begin(self, loader: Place) -> Walk:
        """At the start of a scene."""

    @abstractmethod
    def decide(self, walk: Walk, loader: Place, tick: int) -> Walk:
        """Where to and what for, in this tick."""

    def rng(self, errand: int) -> np.random.Generator:
        """For the choices of one errand."""
        return stream("yard-mover", self.kind, *self._key, errand)

    # -- inside ------------------------------------------------------------------------------

    def _show(self, body: YardBody) -> None:
        walk = self._walk
        body.data.mocap_pos[self._mocap] = (*walk.at, 0.0)
        half = walk.heading / 2
        body.data.mocap_quat[self._mocap] = (math.cos(half), 0.0, 0.0, math.sin(half))

    def _loader(self, body: YardBody) -> Place:
        x, y = body.data.qpos[self._loader_q : self._loader_q + 2].tolist()
        return x, y

    def _hull(self, body: YardBody) -> Place:
        x, y, _, qw, qx, qy, qz = body.data.qpos[self._loader_q : self._loader_q + 7].tolist()
        cos, sin = 1 - 2 * (qy * qy + qz * qz), 2 * (qw * qz + qx * qy)
        return x + HULL_AHEAD_M * cos, y + HULL_AHEAD_M * sin

    def _has_throttle(self, body: YardBody) -> bool:
        speed_mps = float(np.mean(body.data.ctrl[:2])) * g.WHEEL_RADIUS_M
        return abs(speed_mps) / self.params.max_speed_mps > DRIVES_THROTTLE

    def _speed_mps(self, trail: tuple[Place, ...]) -> float:
        over_s = max(1, len(trail) - 1) / self.params.fps
        return math.dist(trail[0], trail[-1]) / over_s

    def _touches(self, body: YardBody) -> bool:
        pairs = body.data.contact.geom
        return len(pairs) > 0 and bool(self._is_mine[pairs].any())


STANDS = ("stands", "looks", "gone")


class Pet(MoverFeature):
    """Walks from one random place to the next, now and then stands a while."""

    name = kind = "pet"
    near_m = far_m = 2.0
    goal_s = 6.0
    rest_s = (0.5, 2.0)
    rests = 0.25

    def xml(self) -> str:
        fur, nose = 'rgba=".36 .22 .12 1"', 'rgba=".93 .90 .84 1"'
        legs = "".join(
            f'<geom class="look" type="capsule" fromto="{x} {y} .04 {x} {y} .2" size=".03" {fur}/>'
            for x in (-0.14, 0.14)
            for y in (-0.06, 0.06)
        )
        return (
            f'<body name="pet" mocap="true">'
            f'<geom name="pet" type="capsule" fromto="-.17 0 .24 .17 0 .24" size=".11" {fur} '
            f'contype="0" conaffinity="{m.LOADER}"/>{legs}'
            f'<geom class="look" type="sphere" pos=".30 0 .36" size=".10" {fur}/>'
            f'<geom class="look" type="sphere" pos=".39 0 .34" size=".045" {nose}/>'
            f'<geom class="look" type="capsule" fromto="-.26 0 .28 -.38 0 .42" size=".025" {nose}/>'
            f"</body>"
        )

    def begin(self, loader: Place) -> Walk:
        at = self._somewhere(0, loader, STARTS_AWAY_M)
        return Walk(at, heading=0.0, goal=at)

    def decide(self, walk: Walk, loader: Place, tick: int) -> Walk:
        if tick < walk.until and math.dist(walk.at, walk.goal) > 0.05:
            return walk
        if tick < walk.until and walk.phase == "stands":
            return walk
        errand, fps = walk.errand + 1, self.params.fps
        rng = self.rng(errand)
        if walk.phase == "walks" and rng.random() < self.rests:
            until = tick + round(rng.uniform(*self.rest_s) * fps)
            return replace(walk, goal=walk.at, phase="stands", errand=errand, until=until)
        goal = self._somewhere(errand, loader, 0.0)
        until = tick + round(self.goal_s * fps)
        return replace(walk, goal=goal, phase="walks", errand=errand, until=until)

    def _somewhere(self, errand: int, loader: Place, away_m: float) -> Place:
        rng, limit = self.rng(errand), self._ground.limit_m
        best, best_m = (0.0, 0.0), -1.0
        for x, y in rng.uniform(-limit, limit, size=(40, 2)).tolist():
            apart_m = math.dist((x, y), loader)
            if self._ground.clear((x, y)):
                if apart_m >= away_m:
                    return x, y
                if apart_m > best_m:
                    best, best_m = (x, y), apart_m
        return best


class Child(MoverFeature):
    """Comes to look at the loader, walks off again, over the kerb if need be, and comes back."""

    name = kind = "child"
    near_m, far_m = 3.0, 5.0
    looks_from_m = 1.4
    gone_m = 5.6
    looks_s, gone_s, first_s = (1.5, 3.0), (9.0, 14.0), (2.0, 8.0)
    errand_s = 9.0

    def xml(self) -> str:
        shirt, skin, hair = ".16 .62 .66 1", ".87 .68 .55 1", ".25 .16 .10 1"
        legs = "".join(
            f'<geom class="look" type="capsule" fromto="0 {y} .06 0 {y} .42" size=".055" '
            f'rgba=".20 .22 .34 1"/>'
            for y in (-0.08, 0.08)
        )
        return (
            f'<body name="child" mocap="true">{legs}'
            f'<geom name="child" type="capsule" fromto="0 0 .18 0 0 .66" size=".16" rgba="{shirt}" '
            f'contype="0" conaffinity="{m.LOADER}"/>'
            f'<geom class="look" type="sphere" pos="0 0 .95" size=".13" rgba="{skin}"/>'
            f'<geom class="look" type="sphere" pos="-.03 0 .99" size=".125" rgba="{hair}"/>'
            f"</body>"
        )

    def limit_m(self) -> float:
        return math.inf

    def begin(self, loader: Place) -> Walk:
        at = self._way_off(0, loader, None)
        until = round(self.rng(0).uniform(*self.first_s) * self.params.fps)
        return Walk(at, heading=0.0, goal=at, phase="gone", until=until)

    def decide(self, walk: Walk, loader: Place, tick: int) -> Walk:
        apart_m, fps = math.dist(walk.at, loader), self.params.fps
        over = tick >= walk.until
        if walk.phase == "gone" and over:
            return self._on(walk, "comes", loader, tick, self.errand_s)
        if walk.phase == "gone" and apart_m < self.far_m + 0.2:
            return self._leaves(walk, loader, tick, walk.until - tick)
        if walk.phase == "comes":
            if apart_m <= self.looks_from_m or over:
                looks_s = self.rng(walk.errand).uniform(*self.looks_s)
                return self._on(walk, "looks", walk.at, tick, looks_s)
            return replace(walk, goal=loader)
        if walk.phase == "looks" and over:
            return self._leaves(walk, loader, tick, round(self.errand_s * fps))
        if walk.phase == "leaves" and (over or math.dist(walk.at, walk.goal) < 0.05):
            gone_s = self.rng(walk.errand).uniform(*self.gone_s)
            return self._on(walk, "gone", walk.at, tick, gone_s)
        return walk

    def _on(self, walk: Walk, phase: str, goal: Place, tick: int, for_s: float) -> Walk:
        until = tick + round(for_s * self.params.fps)
        return replace(walk, phase=phase, goal=goal, errand=walk.errand + 1, until=until)

    def _leaves(self, walk: Walk, loader: Place, tick: int, ticks: int) -> Walk:
        goal = self._way_off(walk.errand + 1, loader, walk.at)
        until = tick + max(ticks, 1)
        return replace(walk, phase="leaves", goal=goal, errand=walk.errand + 1, until=until)

    def _way_off(self, errand: int, loader: Place, at: Place | None) -> Place:
        """A place gone_m from the loader: on a free line from ``at``, away from the loader."""
        rng = self.rng(errand)
        first = rng.uniform(-math.pi, math.pi)
        if at is not None:
            first = math.atan2(at[1] - loader[1], at[0] - loader[0])
        for turn in (0.0, 0.3, -0.3, 0.6, -0.6, 0.9, -0.9, 1.2, -1.2, 1.6, -1.6, math.pi):
            angle = first + turn
            goal = (
                loader[0] + self.gone_m * math.cos(angle),
                loader[1] + self.gone_m * math.sin(angle),
            )
            if self._ground.clear(goal) and (at is None or self._ground.clear_line(at, goal)):
                return goal
        return goal
