"""What scripts are made of: moves, and what the expert does up to a point."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from diagnosis_scripts.stage import STOP, Script, Stage
from loopyard.experts.steering import heading_to, ways_to


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


def face(stage: Stage, point: np.ndarray, *, backwards: bool = False) -> Script:
    """Turns on the spot until the point lies straight ahead, or straight behind."""
    for _ in range(round(6 * stage.truth.params.fps)):
        heading = heading_to(stage.truth, point) + (math.pi if backwards else 0.0)
        heading = (heading + math.pi) % (2 * math.pi) - math.pi
        if abs(heading) < 0.06:
            return
        yield action(1.5 * heading)
