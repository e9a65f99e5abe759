"""F5, collision or wedged: against furniture or the box."""

from __future__ import annotations

import numpy as np

from diagnosis_scripts.pieces import action, face, fetch, go, lever, towards
from diagnosis_scripts.stage import Script, Stage


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
    yield from face(stage, solid, backwards=True)
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
