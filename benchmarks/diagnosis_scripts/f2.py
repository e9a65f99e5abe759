"""F2, not scooped: at a brick, and it is not taken up."""

from __future__ import annotations

import numpy as np

from diagnosis_scripts.pieces import action, go, lever, rest, to_brick, towards, wait
from diagnosis_scripts.stage import Script, Stage


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
