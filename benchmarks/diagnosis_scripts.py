"""Drives that fail on purpose, each in one known way: what the diagnosis is judged by.

A script is a generator of actions over a `Stage`. It says itself whether it came to show what it is
meant to show (`Stage.shown`), by the world's truth and never by the diagnosis' signals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from loopyard.experts.steering import heading_to, ways_to
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth
from loopyard.worlds.yard.world import YardWorld

Script = Iterator[np.ndarray]
Make = Callable[["Stage"], Script]
STOP = np.zeros(4, np.float32)
AWAY_M = 1.15
"""A drive that never reaches a brick keeps its axle so far from all of them: the bucket ends 0.66 m
ahead of it."""


ROUND_TRIPS = 3
"""To and fro so often is a habit."""


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


# -- pieces ------------------------------------------------------------------------------------


def action(
    steering: float = 0.0, throttle: float = 0.0, bucket: float = 0.0, lift: float = 0.0
) -> np.ndarray:
    return np.clip(np.array([steering, throttle, bucket, lift], np.float32), -1.0, 1.0)


def towards(stage: Stage, point: np.ndarray, *, speed: float = 1.0, around: bool = True):
    """The action that drives on to a place, round solids unless told not to."""
    truth = stage.truth
    if around:
        point = ways_to(truth, point[None], with_box=True).waypoints[0]
    heading = heading_to(truth, point)
    throttle = speed * float(np.clip(1.0 - abs(heading) / 0.6, 0.0, 1.0))
    return action(2.0 * heading / truth.params.max_turn_radps, throttle)


def go(
    stage: Stage, point: np.ndarray, stop_m: float, *, speed: float = 1.0, around: bool = True
) -> Script:
    while float(np.linalg.norm(point - stage.here)) > stop_m:
        yield towards(stage, point, speed=speed, around=around)


def lever(stage: Stage, *, bucket: float | None = None, lift: float | None = None) -> Script:
    """Moves the levers until their targets are there, and a little longer."""
    for _ in range(40):
        truth, tick_s = stage.truth, 1.0 / stage.truth.params.fps
        move = action(
            0.0,
            0.0,
            0.0 if bucket is None else (bucket - truth.bucket_target) / 2.0 / tick_s,
            0.0 if lift is None else (lift - truth.lift_target) / 1.2 / tick_s,
        )
        yield move
        if np.abs(move).max() < 1e-3:
            break
    yield from wait(stage, 0.3)


def wait(stage: Stage, seconds: float) -> Script:
    for _ in range(round(seconds * stage.truth.params.fps)):
        yield STOP


def rest(stage: Stage) -> Script:
    while True:
        yield STOP


def expert_until(stage: Stage, done: Callable[[], bool]) -> Script:
    while not done():
        yield stage.expert.act(stage.truth)


def expert_drives(stage: Stage) -> Script:
    """As the expert does, to the end."""
    yield from expert_until(stage, lambda: False)


def fetch(stage: Stage) -> Script:
    """As the expert does until a brick is held and lifted."""
    stage.shown = False
    yield from expert_until(stage, lambda: stage.truth.load > 0 and stage.truth.bucket > 0.7)
    stage.shown = True


def to_brick(stage: Stage) -> Script:
    """As the expert does until a brick stands in the lowered, open bucket."""

    def there() -> bool:
        truth = stage.truth
        return bool(truth.in_mouth().any()) and truth.lift < 0.12 and truth.bucket < 0.2

    stage.shown = False
    yield from expert_until(stage, there)
    stage.shown = True


def deliver_first(stage: Stage) -> Script:
    """As the expert does until something is delivered, and back off with the lift down again."""
    stage.shown = False
    yield from expert_until(
        stage, lambda: bool(stage.truth.delivered.any()) and stage.truth.load == 0
    )
    for _ in range(round(1.2 * stage.truth.params.fps)):
        yield action(0.0, -0.8)
    yield from lever(stage, bucket=0.0, lift=0.0)
    stage.shown = True


# -- F1 ----------------------------------------------------------------------------------------


def stands(stage: Stage) -> Script:
    stage.shown = stage.nearest_m() > AWAY_M
    yield from rest(stage)


def stops_short(stage: Stage) -> Script:
    bricks = stage.bricks()
    brick = bricks[np.linalg.norm(bricks - stage.here, axis=1).argmin()]
    stop_m = stage.uniform(1.35, 1.7)
    far_enough, stage.shown = stage.nearest_m() > stop_m + 0.3, False
    yield from go(stage, brick, stop_m)
    stage.shown = far_enough
    stage.begin()
    while True:
        stage.keep_away()
        yield STOP


def wanders(stage: Stage) -> Script:
    while (place := stage.far_place()) is not None:
        for move in go(stage, place, 0.3, speed=0.8):
            stage.keep_away()
            yield move
    stage.shown = False
    yield from rest(stage)


def gives_up_after_one(stage: Stage) -> Script:
    yield from deliver_first(stage)
    stage.begin()
    while True:
        stage.keep_away()
        yield STOP


def wanders_after_one(stage: Stage) -> Script:
    yield from deliver_first(stage)
    stage.begin()
    yield from wanders(stage)


# -- F2 ----------------------------------------------------------------------------------------


def pushes(stage: Stage) -> Script:
    yield from to_brick(stage)
    begin, far_m = stage.here, stage.uniform(0.2, 0.6)
    for _ in range(round(4 * stage.truth.params.fps)):
        if float(np.linalg.norm(stage.here - begin)) < far_m and stage.room_m(stage.here) > 0.9:
            yield action(0.0, 0.5)
    yield from rest(stage)


def stands_at_brick(stage: Stage) -> Script:
    yield from to_brick(stage)
    yield from rest(stage)


def _against_brick(stage: Stage) -> Script:
    """Closes the bucket short of a brick, and drives up to it like that."""
    bricks = stage.bricks()
    brick = bricks[np.linalg.norm(bricks - stage.here, axis=1).argmin()]
    stage.shown = False
    yield from go(stage, brick, 1.1)
    yield from lever(stage, bucket=1.0, lift=0.0)
    for _ in range(round(6 * stage.truth.params.fps)):
        if stage.nearest_m() > 0.72:
            yield towards(stage, brick, speed=0.4, around=False)
    stage.shown = stage.truth.load == 0 and stage.nearest_m() < 0.75


def curls_early(stage: Stage) -> Script:
    """Pushes a brick with the bucket closed already."""
    yield from _against_brick(stage)
    yield from rest(stage)


def lifts_open(stage: Stage) -> Script:
    """At a brick it lifts without having closed the bucket."""
    yield from to_brick(stage)
    yield from lever(stage, lift=1.0)
    yield from rest(stage)


def lifts_again_and_again(stage: Stage) -> Script:
    yield from to_brick(stage)
    while True:
        yield from lever(stage, lift=stage.uniform(0.8, 1.0))
        yield from wait(stage, stage.uniform(0.0, 1.0))
        yield from lever(stage, lift=0.0)


def carries_nothing(stage: Stage) -> Script:
    """Closes the bucket before the brick is in it, and carries the nothing to the box."""
    yield from _against_brick(stage)
    yield from lever(stage, lift=1.0)
    yield from go(stage, stage.truth.box_m, stage.truth.params.box_side_m / 2 + 0.9)
    stage.shown &= stage.truth.load == 0
    yield from rest(stage)


# -- F3 ----------------------------------------------------------------------------------------


def holds_still(stage: Stage) -> Script:
    yield from fetch(stage)
    if stage.rng.random() < 0.5:
        yield from lever(stage, bucket=1.0, lift=1.0)
    yield from rest(stage)


def tours_with_load(stage: Stage) -> Script:
    yield from fetch(stage)
    yield from lever(stage, bucket=1.0, lift=1.0)
    while True:
        at = stage.rng.uniform(-stage.half_m, stage.half_m, 2)
        if stage.room_m(at) > 0.9 and float(np.linalg.norm(at - stage.here)) > 1.0:
            yield from go(stage, at, 0.35, speed=0.8)


def stops_before_box(stage: Stage) -> Script:
    yield from fetch(stage)
    yield from lever(stage, bucket=1.0, lift=1.0)
    stop_m = stage.truth.params.box_side_m / 2 + stage.uniform(0.9, 1.3)
    yield from go(stage, stage.truth.box_m, stop_m)
    yield from rest(stage)


def dumps_midway(stage: Stage) -> Script:
    yield from fetch(stage)
    yield from lever(stage, bucket=1.0, lift=1.0)
    way_m = float(np.linalg.norm(stage.truth.box_m - stage.here))
    stop_m = max(way_m * stage.uniform(0.4, 0.9), stage.truth.params.box_side_m / 2 + 1.2)
    yield from go(stage, stage.truth.box_m, stop_m)
    yield from lever(stage, bucket=0.0)
    yield from lever(stage, lift=0.4)
    stage.shown = stage.truth.load == 0
    yield from rest(stage)


def drops_and_leaves(stage: Stage) -> Script:
    """Lets its load go soon after it took it, backs off and turns away."""
    yield from fetch(stage)
    yield from lever(stage, bucket=1.0, lift=1.0)
    for _ in range(round(stage.uniform(0.5, 2.0) * stage.truth.params.fps)):
        yield action(stage.uniform(-0.5, 0.5))
    yield from lever(stage, bucket=0.0)
    stage.shown = stage.truth.load == 0
    for _ in range(round(0.8 * stage.truth.params.fps)):
        yield action(0.0, -0.8)
    yield from lever(stage, lift=0.0)
    yield from rest(stage)


# -- F4 ----------------------------------------------------------------------------------------


def circles(stage: Stage) -> Script:
    """Round and round, in a circle that fits in the yard."""
    truth, side = stage.truth, stage.rng.choice([-1.0, 1.0])
    turn_radps = stage.uniform(0.5, 1.0) * truth.params.max_turn_radps
    radius_m = stage.uniform(0.15, 0.9)
    left = np.array([-math.sin(truth.yaw_rad), math.cos(truth.yaw_rad)])
    stage.shown = stage.room_m(stage.here + side * radius_m * left) > radius_m + 0.75
    throttle = turn_radps * radius_m / truth.params.max_speed_mps
    while True:
        yield action(side * turn_radps / truth.params.max_turn_radps, throttle)


def spins(stage: Stage) -> Script:
    steering = float(stage.rng.choice([-1.0, 1.0])) * stage.uniform(0.5, 1.0)
    stage.shown = stage.nearest_m() > AWAY_M and stage.room_m(stage.here) > 0.8
    while True:
        yield action(steering)


def back_and_forth(stage: Stage) -> Script:
    truth = stage.truth
    ahead = np.array([math.cos(truth.yaw_rad), math.sin(truth.yaw_rad)])
    speed, ticks = stage.uniform(0.4, 0.9), stage.uniform(0.9, 1.5) * truth.params.fps
    far_m = speed * truth.params.max_speed_mps * ticks / truth.params.fps
    stage.shown = stage.room_m(stage.here + far_m * ahead) > 0.85
    while True:
        leg = round(ticks * stage.uniform(0.85, 1.15))
        for throttle in (speed, -speed):
            for _ in range(leg):
                yield action(0.0, throttle)


def dithers(stage: Stage) -> Script:
    """Turns left and right by turns, and goes nowhere."""
    stage.shown = stage.nearest_m() > AWAY_M and stage.room_m(stage.here) > 0.8
    side = 1.0
    while True:
        for _ in range(round(stage.uniform(0.4, 1.0) * stage.truth.params.fps)):
            yield action(side * stage.uniform(0.6, 1.0))
        side = -side


def shuttles(stage: Stage) -> Script:
    """Between two places, on and on."""
    places = [stage.here, stage.far_place(from_m=1.2)]
    stage.shown, turn = False, 1
    while (place := places[turn % 2]) is not None:
        yield from go(stage, place, 0.3, speed=0.9)
        turn += 1
        stage.shown = turn > ROUND_TRIPS * 2
    yield from rest(stage)


def carries_in_circles(stage: Stage) -> Script:
    yield from fetch(stage)
    yield from lever(stage, bucket=1.0, lift=1.0)
    yield from go(stage, np.zeros(2) + stage.uniform(-0.2, 0.2), 0.3)
    stage.shown = stage.room_m(stage.here) > 0.8
    stage.begin()
    steering = float(stage.rng.choice([-1.0, 1.0])) * stage.uniform(0.6, 1.0)
    while True:
        yield action(steering, stage.uniform(0.05, 0.3))


# -- F5 ----------------------------------------------------------------------------------------


def _face(stage: Stage, point: np.ndarray, *, backwards: bool = False) -> Script:
    """Turns on the spot until the point lies straight ahead, or straight behind."""
    for _ in range(round(6 * stage.truth.params.fps)):
        heading = heading_to(stage.truth, point) + (math.pi if backwards else 0.0)
        heading = (heading + math.pi) % (2 * math.pi) - math.pi
        if abs(heading) < 0.06:
            return
        yield action(1.5 * heading)


def rams_furniture(stage: Stage) -> Script:
    solid = stage.truth.furniture[stage.rng.integers(len(stage.truth.furniture)), :2].copy()
    yield from go(stage, solid, 1.5)
    stage.begin()
    while True:
        stage.shown = float(np.linalg.norm(stage.here - solid)) < 1.45
        yield towards(stage, solid, speed=stage.uniform(0.5, 1.0), around=False)


def rams_again_and_again(stage: Stage) -> Script:
    solid = stage.truth.furniture[stage.rng.integers(len(stage.truth.furniture)), :2].copy()
    yield from go(stage, solid, 1.5)
    stage.begin()
    while True:
        for _ in range(round(stage.uniform(3.0, 4.0) * stage.truth.params.fps)):
            yield towards(stage, solid, speed=0.7, around=False)
        stage.shown = float(np.linalg.norm(stage.here - solid)) < 1.45
        for _ in range(round(stage.uniform(0.4, 0.7) * stage.truth.params.fps)):
            yield action(0.0, -0.6)


def backs_into_furniture(stage: Stage) -> Script:
    solid = stage.truth.furniture[stage.rng.integers(len(stage.truth.furniture)), :2].copy()
    yield from go(stage, solid, 1.4)
    yield from _face(stage, solid, backwards=True)
    stage.begin()
    while True:
        stage.shown = float(np.linalg.norm(stage.here - solid)) < 1.3
        yield action(stage.uniform(-0.1, 0.1), -0.8)


def pushes_the_box(stage: Stage) -> Script:
    """With a load, and the lift down, it drives up against the wall of the box."""
    yield from fetch(stage)
    yield from lever(stage, bucket=1.0)
    box = stage.truth.box_m
    yield from go(stage, box, stage.truth.params.box_side_m / 2 + 1.1)
    stage.begin()
    while True:
        yield towards(stage, box, speed=0.7, around=False)


# -- F6 ----------------------------------------------------------------------------------------


def _kerb_ahead(stage: Stage) -> np.ndarray:
    """(2,) beyond a stretch of kerb that is clear of box and furniture."""
    for _ in range(200):
        side, sign = int(stage.rng.integers(2)), float(stage.rng.choice([-1.0, 1.0]))
        at = np.where(np.arange(2) == side, sign * stage.half_m, stage.uniform(-0.7, 0.7) * 2.0)
        inside = at.copy()
        inside[side] -= sign * 1.0
        way = stage.here + np.linspace(0.0, 1.0, 20)[:, None] * (inside - stage.here)
        if min(map(stage.room_m, way)) > 0.65:
            outward = np.zeros(2)
            outward[side] = sign * 3.0
            return at + outward
    stage.shown = False
    return np.array([stage.half_m, stage.half_m])


def _at_kerb(stage: Stage) -> bool:
    return stage.half_m - float(np.abs(stage.here).max()) < 0.85


def presses_on_kerb(stage: Stage) -> Script:
    beyond = _kerb_ahead(stage)
    inside = np.clip(beyond, 1.0 - stage.half_m, stage.half_m - 1.0)
    yield from go(stage, inside, 0.2)
    speed = stage.uniform(0.4, 1.0)
    stage.begin()
    while True:
        stage.shown &= stage.tick < stage.began + 50 or _at_kerb(stage)
        yield towards(stage, beyond, speed=speed, around=False)


def backs_onto_kerb(stage: Stage) -> Script:
    beyond = _kerb_ahead(stage)
    inside = np.clip(beyond, 1.0 - stage.half_m, stage.half_m - 1.0)
    yield from go(stage, inside, 0.2)
    yield from _face(stage, beyond, backwards=True)
    stage.begin()
    while True:
        stage.shown &= stage.tick < stage.began + 50 or _at_kerb(stage)
        yield action(stage.uniform(-0.2, 0.2), -stage.uniform(0.4, 1.0))


def presses_with_load(stage: Stage) -> Script:
    yield from fetch(stage)
    yield from lever(stage, bucket=1.0, lift=1.0)
    yield from presses_on_kerb(stage)


def presses_in_corner(stage: Stage) -> Script:
    """Any corner but the box's."""
    corners = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0)]
    corner = np.array(corners[stage.rng.integers(3)]) * stage.half_m
    yield from go(stage, corner * (1.0 - 1.1 / stage.half_m), 0.3)
    stage.begin()
    while True:
        stage.shown &= stage.tick < stage.began + 50 or _at_kerb(stage)
        yield towards(stage, 1.5 * corner, speed=0.8, around=False)


# -- patterns of their own ---------------------------------------------------------------------


def frees_itself(stage: Stage) -> Script:
    """Pressed on the kerb for some seconds; then it gets away, and does nothing more."""
    pressing = presses_on_kerb(stage)
    for move in pressing:
        stage.keep_away()
        yield move
        if stage.half_m - float(np.abs(stage.here).max()) < 0.75:
            break
    for _ in range(round(stage.uniform(4.8, 5.5) * stage.truth.params.fps)):
        stage.keep_away()
        yield next(pressing)
    for _ in range(round(1.0 * stage.truth.params.fps)):
        stage.keep_away()
        yield action(0.0, -0.8)
    stage.shown &= stage.half_m - float(np.abs(stage.here).max()) > 0.85
    while True:
        stage.keep_away()
        yield STOP


def lifts_nowhere(stage: Stage) -> Script:
    """Lifts and lowers, far from every brick."""
    stage.shown = stage.nearest_m() > AWAY_M
    while True:
        yield from lever(stage, bucket=stage.uniform(0.6, 1.0), lift=stage.uniform(0.8, 1.0))
        yield from wait(stage, stage.uniform(0.0, 1.0))
        yield from lever(stage, bucket=0.0, lift=0.0)


def transports_nothing(stage: Stage) -> Script:
    """Goes about with its bucket up as if something were in it."""
    yield from lever(stage, bucket=1.0, lift=1.0)
    yield from wanders(stage)


def _edge_of_zone(stage: Stage) -> np.ndarray:
    """(2,) a little way inside the ground that the scene's hazard asks to stay off."""
    x, y, _, half_x, half_y = stage.truth.keep_out[0]
    if max(half_x, half_y) > stage.half_m:  # a cliff: a strip along one side
        along_x = half_x > half_y
        inside = (y - half_y + 0.2) if along_x else (x - half_x + 0.2)
        here = np.clip(stage.here, -1.5, 1.5)
        return np.array([here[0], inside]) if along_x else np.array([inside, here[1]])
    middle = np.array([x, y])
    away = stage.here - middle
    return middle + away / np.linalg.norm(away) * (half_x - 0.2)


def stops_in_the_zone(stage: Stage) -> Script:
    """Goes where it should not, and stays there."""
    for move in go(stage, _edge_of_zone(stage), 0.1, speed=0.6):
        stage.keep_away()
        yield move
    while True:
        stage.keep_away()
        yield STOP


def drives_over_the_edge(stage: Stage) -> Script:
    edge = _edge_of_zone(stage)
    beyond = edge + 3.0 * (edge - stage.here) / np.linalg.norm(edge - stage.here)
    while True:
        stage.keep_away()
        yield towards(stage, beyond, speed=0.6, around=False)


def one_value(stage: Stage) -> Script:
    value = action(*stage.rng.uniform(-1.0, 1.0, 4))
    while True:
        yield value


def _scoop_here(stage: Stage) -> Script:
    yield from lever(stage, bucket=0.0, lift=0.0)
    for _ in range(round(0.5 * stage.truth.params.fps)):
        yield action(0.0, 0.3)
    yield from lever(stage, bucket=1.0)
    yield from wait(stage, stage.uniform(0.2, 0.6))
    yield from lever(stage, bucket=0.0)


def scoops_at_nothing(stage: Stage) -> Script:
    for _ in range(int(stage.rng.integers(2, 5))):
        place = stage.far_place(from_m=1.0)
        if place is None:
            stage.shown = False
            break
        for move in go(stage, place, 0.2, speed=0.8):
            stage.keep_away()
            yield move
        # A brick just ahead of the bucket would make a miss of it, and no ghost.
        ahead = stage.truth.ahead(g.bucket_reach_m(0.0) + 0.3)
        apart = np.linalg.norm(stage.bricks() - ahead, axis=1)
        stage.shown &= bool(apart.min(initial=math.inf) > AWAY_M)
        yield from _scoop_here(stage)
    yield from rest(stage)


def scoops_where_one_was(stage: Stage) -> Script:
    """Delivers one brick, then goes back to where it lay and scoops there again and again."""
    first = stage.truth.bricks[:, :2].copy()
    yield from deliver_first(stage)
    place = first[int(np.flatnonzero(stage.truth.delivered)[0])]
    for move in go(stage, place, 0.55):
        stage.keep_away()
        yield move
    for _ in range(int(stage.rng.integers(2, 5))):
        stage.keep_away()
        ahead = stage.truth.ahead(g.bucket_reach_m(0.0) + 0.3)
        apart = np.linalg.norm(stage.bricks() - ahead, axis=1)
        stage.shown &= bool(apart.min(initial=math.inf) > AWAY_M)
        yield from _scoop_here(stage)
    yield from rest(stage)
