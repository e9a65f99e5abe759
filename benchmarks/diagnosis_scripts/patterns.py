"""Drives that show a named pattern and are about nothing else."""

from __future__ import annotations

import math

import numpy as np

from diagnosis_scripts.f1 import wanders
from diagnosis_scripts.f6 import presses_on_kerb
from diagnosis_scripts.pieces import action, deliver_first, go, lever, rest, towards, wait
from diagnosis_scripts.stage import AWAY_M, STOP, Script, Stage
from loopyard.worlds.yard import geometry as g


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
