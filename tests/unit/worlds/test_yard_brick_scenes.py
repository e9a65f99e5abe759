"""Scenes of difficult bricks: snapshots are exact, and no scene depends on those before."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from brick_drives import AHEAD, CLUSTERED, CURL, hold, put_before
from scene_prints import fingerprint

HARD = {
    "wall": {"brick_places": "wall"},
    "clustered": CLUSTERED,
    "hidden": {"brick_places": "hidden"},
    "large": {"brick_sizes": "mixed_large"},
    "tiny": {"brick_sizes": "mixed_tiny"},
    "stuck": {"stuck_bricks": 1},
    "heap": {"box_fill": 0.9, "box_side_m": 0.9, "bricks": 5},
    "fragile": {"fragile": 2},
    "distractors": {"distractors": 12},
    "spill": {"bucket_friction": 0.15},
    "gap": {"layout": "gap"},
    "far": {"loader_start": "farthest"},
}


def course(world, actions) -> list[object]:
    seen = []
    for action in actions:
        *rest, info = world.step(action)
        seen += [fingerprint(world.truth()), rest[1:], info]
    return seen


@pytest.mark.parametrize("kind", HARD)
def test_restore_goes_on_to_the_bit(make_yard, blind, kind):
    world = blind(make_yard("mid", **HARD[kind]))
    world.reset(seed=21)
    put_before(world, world.truth().bricks[-1], 0.8)
    rng = np.random.default_rng(4)
    hold(world, AHEAD, 5)
    hold(world, CURL, 3)  # in the middle of a closing
    kept = world.snapshot()
    actions = rng.uniform(-1, 1, (25, 4))
    first = course(world, actions)
    world.restore(kept)
    assert course(world, actions) == first


@pytest.mark.parametrize("kind", HARD)
def test_a_scene_does_not_depend_on_those_before(make_yard, blind, kind):
    driven, fresh = (blind(make_yard("mid", **HARD[kind])) for _ in range(2))
    actions = np.random.default_rng(0).uniform(-1, 1, (12, 4))
    driven.reset(seed=1)
    put_before(driven, driven.truth().bricks[0], 0.8)
    for action in itertools.chain([AHEAD] * 6, actions):
        driven.step_blind(action)
    for world in (driven, fresh):
        world.reset(seed=12)
    assert course(driven, actions) == course(fresh, actions)
