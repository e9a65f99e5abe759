"""F6, pressed on the boundary."""

from __future__ import annotations

import numpy as np

from diagnosis_scripts.pieces import action, face, fetch, go, lever, towards
from diagnosis_scripts.stage import Script, Stage


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
    yield from face(stage, beyond, backwards=True)
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
