"""Drives down the corridor that fail on purpose, and the stage they are written on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from loopyard.experts.corridor import CorridorExpert
from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.truth import CorridorTruth
from loopyard.worlds.corridor.world import CorridorWorld

Script = Iterator[np.ndarray]
STEERED_M = 0.3
"""Aside by so much, a drive was not straight on."""
HAS_TO_M = 0.2
"""Where less is needed to pass, straight on is no mistake."""


@dataclass
class CorridorStage:
    """The world a script drives, its own random numbers, and what the script found out."""

    world: CorridorWorld
    rng: np.random.Generator
    shown: bool = True
    tick: int = 0
    began: int = 0
    expert: CorridorExpert = field(default_factory=CorridorExpert)

    def __post_init__(self) -> None:
        self.truth: CorridorTruth = self.world.truth()
        self.start_y_m = self.truth.y_m

    @property
    def aside_m(self) -> float:
        """To either side, from where it began."""
        return abs(self.truth.y_m - self.start_y_m)

    @property
    def to_box_m(self) -> float:
        """Ahead, to the face of the next box."""
        x, _, _, half_x, *_ = self.truth.boxes[~self.truth.passed][0]
        return x - half_x - g.BASE_RADIUS_M - self.truth.x_m

    @property
    def needed_m(self) -> float:
        """Aside, to pass the next box on the named side without touching; negative: it would."""
        truth = self.truth
        _, y, _, _, half_y, _ = truth.boxes[~truth.passed][0]
        return truth.sign * (y - truth.y_m) + half_y + g.BASE_RADIUS_M

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def as_expert(self, *, other_side: bool = False) -> np.ndarray:
        """The expert's action, or what it would do if the other side had been named."""
        truth = self.truth
        if other_side:
            truth = replace(truth, side="right" if truth.side == "left" else "left")
        return self.expert.act(truth)


def action(ahead: float = 0.0, left: float = 0.0) -> np.ndarray:
    return np.array([np.clip(ahead, 0.0, 1.0), np.clip(left, -1.0, 1.0)], np.float32)


def expert_drives(stage: CorridorStage) -> Script:
    """As the expert does, to the end."""
    while True:
        yield stage.as_expert()


def _until(stage: CorridorStage, done: Callable[[], bool]) -> Script:
    while not done():
        yield stage.as_expert()


def _rest() -> Script:
    while True:
        yield action()


# -- stopped -------------------------------------------------------------------------------------


def stands(stage: CorridorStage) -> Script:
    del stage
    yield from _rest()


def trembles(stage: CorridorStage) -> Script:
    while True:
        yield action(stage.uniform(0.0, 0.04), stage.uniform(-0.05, 0.05))


def creeps(stage: CorridorStage) -> Script:
    speed = stage.uniform(0.02, 0.06)
    while True:
        yield action(speed)


def dithers(stage: CorridorStage) -> Script:
    """Left and right by turns, and goes nowhere."""
    side = float(stage.rng.choice([-1.0, 1.0]))
    while True:
        for _ in range(int(stage.rng.integers(2, 5))):
            yield action(0.0, side * stage.uniform(0.2, 0.4))
        side = -side


def stops_before_the_box(stage: CorridorStage) -> Script:
    stop_m = stage.uniform(0.1, 0.6)
    yield from _until(stage, lambda: stage.to_box_m < stop_m)
    yield from _rest()


def stops_beside_the_box(stage: CorridorStage) -> Script:
    first = stage.truth.boxes[0]
    yield from _until(stage, lambda: stage.truth.x_m > first[0] - first[3])
    yield from _rest()


def stops_before_the_cup(stage: CorridorStage) -> Script:
    stop_m = g.REACH_M + stage.uniform(0.15, 0.4)
    yield from _until(
        stage, lambda: bool(stage.truth.passed.all()) and stage.truth.to_cup_m < stop_m
    )
    yield from _rest()


# -- straight ahead ------------------------------------------------------------------------------


def drives_straight(stage: CorridorStage) -> Script:
    speed = stage.uniform(0.4, 1.0)
    stage.shown = stage.needed_m > HAS_TO_M
    while True:
        yield action(speed)


def hardly_steers(stage: CorridorStage) -> Script:
    """The expert's speed, and a trace of its steering."""
    share = stage.uniform(0.0, 0.05)
    stage.shown = stage.needed_m > HAS_TO_M
    while True:
        _, left = stage.as_expert()
        yield action(stage.uniform(0.6, 0.9), share * left)


def drifts(stage: CorridorStage) -> Script:
    speed, drift = stage.uniform(0.5, 1.0), stage.uniform(-0.03, 0.03)
    stage.shown = stage.needed_m > HAS_TO_M
    while True:
        yield action(speed, drift)


# -- the wrong side ------------------------------------------------------------------------------


def takes_the_other_side(stage: CorridorStage) -> Script:
    pace = stage.uniform(0.6, 1.0)
    stage.shown = False
    while True:
        stage.shown |= stage.aside_m > STEERED_M
        yield pace * stage.as_expert(other_side=True)


def changes_its_mind(stage: CorridorStage) -> Script:
    """To the named side at first, and then not."""
    turn_m = stage.uniform(0.5, 0.9)
    yield from _until(stage, lambda: stage.to_box_m < turn_m)
    stage.shown = False
    while True:
        stage.shown |= stage.aside_m > STEERED_M
        yield stage.as_expert(other_side=True)


def other_side_of_the_second(stage: CorridorStage) -> Script:
    yield from _until(stage, lambda: bool(stage.truth.passed[0]))
    while True:
        yield stage.as_expert(other_side=True)


# -- hits ----------------------------------------------------------------------------------------


def cuts_the_corner(stage: CorridorStage) -> Script:
    """To the named side, and not far enough."""
    needed_m = stage.needed_m
    goal_m = stage.uniform(0.6, 0.85) * needed_m
    stage.shown = needed_m > 0.4
    speed = stage.uniform(0.5, 0.8)
    while True:
        left_m = goal_m - stage.truth.sign * (stage.truth.y_m - stage.start_y_m)
        pace = np.clip(3.0 * left_m, -0.9, 0.9) / stage.truth.params.max_speed_mps
        yield action(speed, stage.truth.sign * pace)


def steers_too_late(stage: CorridorStage) -> Script:
    needed_m, speed = stage.needed_m, stage.uniform(0.5, 0.9)
    # From there on it comes about 0.6 of the way that it should.
    late_m = 0.6 * needed_m * speed + 0.15
    stage.shown = False
    while stage.to_box_m > late_m:
        yield action(speed)
    while True:
        stage.shown |= stage.aside_m > max(0.2, 0.4 * needed_m)
        yield action(speed, stage.truth.sign)


def hits_the_second(stage: CorridorStage) -> Script:
    """Past the first, and then it swings in too far."""
    yield from _until(stage, lambda: bool(stage.truth.passed[0]))
    stage.shown = stage.aside_m > STEERED_M
    while True:
        off_m = float(stage.truth.boxes[-1][1]) - stage.truth.y_m
        yield action(0.6, np.clip(2.0 * off_m, -0.7, 0.7))


def swerves_into_the_box(stage: CorridorStage) -> Script:
    """Beside it already, it turns in."""
    first = stage.truth.boxes[0]
    yield from _until(stage, lambda: stage.truth.x_m > first[0] - first[3])
    stage.shown = stage.aside_m > STEERED_M
    while True:
        yield action(0.15, -0.8 * stage.truth.sign)


def cuts_the_other_corner(stage: CorridorStage) -> Script:
    """To the side that was not named, and not far enough."""
    truth = stage.truth
    width_m = 2 * (float(truth.boxes[0][4]) + g.BASE_RADIUS_M)
    needed_m = width_m - stage.needed_m
    goal_m = stage.uniform(0.6, 0.85) * needed_m
    stage.shown = needed_m > 0.4
    speed = stage.uniform(0.5, 0.8)
    while True:
        left_m = goal_m + truth.sign * (stage.truth.y_m - stage.start_y_m)
        pace = np.clip(3.0 * left_m, -0.9, 0.9) / truth.params.max_speed_mps
        yield action(speed, -truth.sign * pace)


# -- the wall, the cup ---------------------------------------------------------------------------


def drives_into_the_wall(stage: CorridorStage) -> Script:
    ahead, side = stage.uniform(0.1, 0.3), float(stage.rng.choice([-1.0, 1.0]))
    while True:
        yield action(ahead, 0.6 * side)


def misses_the_cup(stage: CorridorStage) -> Script:
    yield from _until(stage, lambda: bool(stage.truth.passed.all()))
    stage.shown = stage.aside_m > STEERED_M
    away = -np.sign(float(stage.truth.cup[1]) - stage.truth.y_m)
    while True:
        yield action(0.7, 0.15 * away)


# -- none of them --------------------------------------------------------------------------------


def weaves(stage: CorridorStage) -> Script:
    """From side to side until its time is over, and hardly ahead."""
    side = float(stage.rng.choice([-1.0, 1.0]))
    far_m = stage.uniform(0.5, 0.9)
    while True:
        if side * (stage.truth.y_m - stage.start_y_m) > far_m:
            side = -side
        yield action(0.02, 0.5 * side)


def is_too_slow(stage: CorridorStage) -> Script:
    pace = stage.uniform(0.3, 0.36)
    while True:
        yield pace * stage.as_expert()
