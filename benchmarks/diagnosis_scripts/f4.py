"""F4, oscillation or loop: the same ground again and again."""

from __future__ import annotations

import math

import numpy as np

from diagnosis_scripts.pieces import action, fetch, go, lever, rest
from diagnosis_scripts.stage import AWAY_M, Script, Stage

ROUND_TRIPS = 3
"""To and fro so often is a habit."""


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
