"""F1, never reached: no brick is ever in the bucket."""

from __future__ import annotations

import numpy as np

from diagnosis_scripts.pieces import deliver_first, go, rest
from diagnosis_scripts.stage import AWAY_M, STOP, Script, Stage


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
