"""F3, not delivered: taken up, and not brought into the box."""

from __future__ import annotations

import numpy as np

from diagnosis_scripts.pieces import action, fetch, go, lever, rest
from diagnosis_scripts.stage import Script, Stage


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
