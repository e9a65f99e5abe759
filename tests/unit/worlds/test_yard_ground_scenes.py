"""Scenes with terrain and hazards: exact to restore, and independent of those before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scene_prints import fingerprint

from loopyard.worlds.yard.world import YardWorld

GROUNDS: dict[str, dict[str, Any]] = {
    "slope": {"terrain": "slope", "slope_deg": 4.0},
    "ramp": {"terrain": "ramp", "slope_deg": 9.0},
    "uneven": {"terrain": "uneven"},
    "cliff": {"hazard": "cliff"},
    "hole": {"hazard": "hole"},
    "collapse": {"hazard": "collapse", "hazard_radius_m": 1.0},
}


def course(world: YardWorld, actions: np.ndarray) -> list[object]:
    seen: list[object] = []
    for action in actions:
        obs, reward, terminated, truncated, info = world.step(action)
        seen += [fingerprint(obs, world.truth()), reward, terminated, truncated, info]
    return seen


def wild(ticks: int, seed: int) -> np.ndarray:
    """Actions that mostly drive ahead."""
    actions = np.random.default_rng(seed).uniform(-1, 1, (ticks, 4))
    actions[:, 1] = np.abs(actions[:, 1])
    return actions


@pytest.mark.parametrize("ground", GROUNDS)
def test_restore_goes_on_to_the_bit(make_yard, blind, ground):
    world, other = (blind(make_yard("mid", **GROUNDS[ground])) for _ in range(2))
    world.reset(seed=21)
    course(world, wild(25, 1))
    kept, actions = world.snapshot(), wild(40, 2)
    first = course(world, actions)
    world.restore(kept)
    assert course(world, actions) == first
    world.reset(seed=22)
    course(world, wild(10, 3))
    for again in (world, other):
        again.reset(seed=21)
        again.restore(kept)
        assert course(again, actions) == first


@pytest.mark.parametrize("hazard", ["cliff", "hole", "collapse"])
def test_restore_brings_back_who_has_fallen(make_yard, blind, hazard):
    world = blind(make_yard("mid", **{**GROUNDS[hazard], "furniture": 0}))
    world.reset(seed=21)
    body, feature = world._body, world._body.features[0]
    place = np.array(getattr(feature, "middle", [2.0, 2.0]))
    body.data.qpos[body._loader_q : body._loader_q + 2] = place - (1.6, 0.0)
    body.data.qpos[body._loader_q + 3 : body._loader_q + 7] = 1, 0, 0, 0
    if hazard == "cliff" and feature.axis == 1:
        body.data.qpos[body._loader_q + 3 : body._loader_q + 7] = np.cos(np.pi / 4), 0, 0, 0.5**0.5
    kept, actions = world.snapshot(), np.tile([0.0, 0.8, 0.0, 0.0], (40, 1))
    first = course(world, actions)
    assert world.outcome_reason == "fell"
    world.restore(kept)
    assert world.outcome_reason is None
    assert course(world, actions) == first


@pytest.mark.gl
@pytest.mark.parametrize("ground", GROUNDS)
def test_a_scene_does_not_depend_on_those_before(make_yard, ground):
    params = {**GROUNDS[ground], "image_width": 48, "image_height": 48}
    fresh, driven = (make_yard("mid", **params) for _ in range(2))
    scenes = {}
    for world, seeds in ((fresh, [5, 900_000]), (driven, [3, 900_000, 12, 5])):
        for seed in seeds:
            obs, _ = world.reset(seed=seed)
            seen = [fingerprint(obs, world.truth()), *course(world, wild(8, 4))]
            assert scenes.setdefault(seed, seen) == seen
    assert len({str(scene) for scene in scenes.values()}) == 4
