"""What every feature of the yard must keep: scenes of their own, and exact snapshots."""

from __future__ import annotations

from typing import Any

import numpy as np
from scene_prints import fingerprint

TICKS = 12
SEEDS = (900_000, 3, 900_000)


def model_print(world: Any) -> str:
    """Of all that a feature may change in the model while it lives."""
    model = world._body.model
    light = model.vis.headlight
    return fingerprint(
        {
            name: getattr(model, name)
            for name in (
                "geom_rgba", "geom_size", "geom_friction", "geom_contype", "geom_conaffinity",
                "geom_matid", "body_pos", "body_quat", "body_mass", "light_diffuse", "light_dir",
                "light_pos", "cam_pos", "cam_fovy", "dof_damping",
            )
        },
        {"ambient": light.ambient.copy(), "diffuse": light.diffuse.copy()},
    )  # fmt: skip


def course(world: Any, actions: np.ndarray) -> list[Any]:
    """Everything that a drive without pictures gives, the model with it."""
    seen: list[Any] = []
    for action in actions:
        obs, reward, terminated, truncated, info = world.step(action)
        obs = {"observation.state": obs["observation.state"].copy()}
        for feature in world._body.features:
            feature.perceive(obs, world._body.tick)
        seen += [fingerprint(obs, world.truth()), reward, terminated, truncated, info]
        seen.append(model_print(world))
    return seen


def wild(ticks: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (ticks, 4))


def check_scenes_of_their_own(make: Any, seeds: tuple[int, ...] = SEEDS) -> None:
    """A scene does not depend on those before it, nor on what was driven there."""
    prints: dict[int, Any] = {}
    world = make()
    for seed in seeds:
        world.reset(seed=seed)
        first = [fingerprint(world.truth()), model_print(world), course(world, wild(TICKS))]
        assert prints.setdefault(seed, first) == first, seed
    fresh = make()
    fresh.reset(seed=seeds[-1])
    again = [fingerprint(fresh.truth()), model_print(fresh), course(fresh, wild(TICKS))]
    assert prints[seeds[-1]] == again


def check_snapshots(world: Any, *, seed: int, at_tick: int, ticks: int = 25) -> None:
    """What follows a restore is the same to the bit, from before and from after a change."""
    from loopyard.experts.yard import YardExpert

    expert = YardExpert()
    world.reset(seed=seed)
    for _ in range(at_tick):
        world.step(expert.act(world.truth()))
    kept, printed = world.snapshot(), model_print(world)
    actions = wild(ticks)
    first = course(world, actions)
    world.restore(kept)
    assert model_print(world) == printed
    assert course(world, actions) == first
    world.restore(kept)
    assert course(world, actions) == first
