"""What every registered policy keeps: shapes, ranges, and one answer by every way of asking."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.policies.baselines import RandomPolicy, ZeroPolicy
from loopyard.policies.catalogue import TYPES, make_config, make_model
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.config import features_of
from loopyard.policies.policy import Policy
from loopyard.policies.processing import Processing, ProcessingConfig, statistics_of

SPEC = WorldSpec(
    world="toy",
    preset="",
    fps=10,
    max_steps=50,
    task="",
    state=VectorSpec((Channel("x"), Channel("y"))),
    action=VectorSpec((Channel("left"), Channel("right"), Channel("up"))),
    cameras=(CameraSpec("ego", 64, 48),),
)
SMALL = {
    "act": {"dim_model": 32, "n_heads": 4, "dim_feedforward": 32},
    "vla": {"size": "tiny", "hidden": 32, "lora_rank": 2},
}


def observation(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    return {
        "observation.images.ego": rng.integers(0, 256, (48, 64, 3), dtype=np.uint8),
        "observation.state": rng.normal(size=2).astype(np.float32),
        "task": ("reach the cup", "Reach the far cup")[seed % 2],
    }


def network(kind: str) -> ChunkedPolicy:
    torch.manual_seed(0)
    data = {**features_of(SPEC, ["ego"], (48, 64)), "type": kind, **SMALL.get(kind, {})}
    config = make_config(kind, "test", data)
    rng = np.random.default_rng(0)
    statistics = statistics_of(
        {"ego": rng.integers(0, 256, (8, 48, 64, 3), dtype=np.uint8)},
        rng.normal(size=(50, 2)).astype(np.float32),
        rng.uniform(-1, 1, (50, 3)).astype(np.float32),
    )
    processing = Processing(
        ProcessingConfig(
            cameras=("ego",),
            image_size=(48, 64),
            state_names=tuple(SPEC.state.names),
            action_names=tuple(SPEC.action.names),
            vocabulary=("reach", "the", "cup"),
        ),
        statistics,
    )
    return ChunkedPolicy(make_model(config), processing)


@pytest.fixture(params=[*TYPES, "zero", "random"])
def policy(request):
    if request.param in TYPES:
        return network(request.param)
    return (ZeroPolicy if request.param == "zero" else RandomPolicy)(3)


def test_it_keeps_the_protocol(policy):
    assert isinstance(policy, Policy)
    assert 1 <= policy.n_action_steps <= policy.chunk_size
    policy.reset()
    for tick in range(2 * policy.n_action_steps + 1):
        action = policy.act(observation(tick))
        assert action.shape == (3,)
        assert action.dtype == np.float32
        assert np.abs(action).max() <= 1.0


def test_chunks_have_the_promised_shape_and_range(policy):
    chunk = policy.predict_chunk(observation(0))
    many = policy.predict_chunks([observation(0), observation(1)])
    assert chunk.shape == (policy.chunk_size, 3)
    assert many.shape == (2, policy.chunk_size, 3)
    assert chunk.dtype == many.dtype == np.float32
    assert np.abs(many).max() <= 1.0


@pytest.mark.parametrize("kind", TYPES)
def test_one_world_or_many_one_answer(kind):
    policy = network(kind)
    observations = [observation(seed) for seed in range(4)]
    alone = np.stack([policy.predict_chunk(obs) for obs in observations])
    assert np.allclose(policy.predict_chunks(observations), alone, atol=1e-4)
    policy.reset()
    assert np.allclose(policy.act(observations[0]), alone[0][0], atol=1e-4)
