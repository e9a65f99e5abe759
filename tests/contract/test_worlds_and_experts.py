"""What every registered world and its expert keep, whatever the task."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from loopyard.experts.expert import Expert
from loopyard.experts.registry import make_expert
from loopyard.worlds.registry import BUILT_IN, make_world
from loopyard.worlds.world import World, spec_of

SEED = 5
TICKS = 25
EXAMPLES = Path(__file__).parents[2] / "docs/examples"


@pytest.fixture(params=[*sorted(BUILT_IN), "dot_world:DotWorld"])
def world(request, monkeypatch):
    """Every built-in world, and the one that the docs show a user."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    made = make_world(request.param)
    yield made
    made.close()


def as_bytes(obs: dict) -> dict:
    return {key: value if isinstance(value, str) else value.tobytes() for key, value in obs.items()}


def drive(world, expert, ticks: int) -> list:
    """Observations of a drive from here."""
    seen = []
    for _ in range(ticks):
        obs, _, terminated, truncated, _ = world.step(expert.act(world.truth()))
        seen.append(as_bytes(obs))
        if terminated or truncated:
            break
    return seen


def test_gymnasium_finds_nothing_wrong(world):
    assert isinstance(world, gymnasium.Env)
    check_env(world, skip_render_check=True)


def test_it_keeps_the_protocol_and_its_spec_is_that_of_its_spaces(world):
    assert isinstance(world, World)
    spec = spec_of(world)
    obs, info = world.reset(seed=SEED)
    assert obs["observation.state"].shape == (spec.state.size,)
    assert world.action_space.shape == (spec.action.size,)
    for camera in spec.cameras:
        assert obs[camera.key].shape == (camera.height, camera.width, 3)
        assert obs[camera.key].dtype == np.uint8
    assert info["success"] is False


def test_a_scene_depends_on_its_seed_alone(world):
    first = as_bytes(world.reset(seed=SEED)[0])
    other = as_bytes(world.reset(seed=SEED + 1)[0])
    drive(world, make_expert(world), 5)
    assert as_bytes(world.reset(seed=SEED)[0]) == first != other


def test_restore_goes_on_bit_for_bit(world):
    expert = make_expert(world)
    world.reset(seed=SEED)
    drive(world, expert, 10)
    snapshot = world.snapshot()
    first = drive(world, expert, TICKS)
    world.restore(snapshot)
    assert drive(world, expert, TICKS) == first


def test_the_expert_never_remembers(world):
    expert = make_expert(world)
    assert isinstance(expert, Expert)
    world.reset(seed=SEED)
    truths, actions = [], []
    for _ in range(TICKS):
        truths.append(world.truth())
        actions.append(expert.act(truths[-1]))
        world.step(actions[-1])
    spec = spec_of(world)
    for truth, action in reversed(list(zip(truths, actions, strict=True))):
        assert np.array_equal(make_expert(world).act(truth), action)
        assert np.array_equal(expert.act(truth), action)
        assert action.shape == (spec.action.size,)
        assert action.dtype == np.float32
        assert np.abs(action).max() <= 1.0


@pytest.mark.parametrize("seed", range(900_000, 900_003))
def test_the_expert_reaches_success(world, seed):
    expert = make_expert(world)
    _, info = world.reset(seed=seed)
    for _ in range(spec_of(world).max_steps):
        _, _, terminated, truncated, info = world.step(expert.act(world.truth()))
        if terminated or truncated:
            break
    assert info["success"]
    assert info.get("progress", 1.0) == 1.0
