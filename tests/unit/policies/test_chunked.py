from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.errors import CheckpointError, ConfigError
from loopyard.policies.baselines import ConstantPolicy, RandomPolicy, ZeroPolicy
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.policy import Policy
from loopyard.policies.temporal import TemporalEnsemble


@pytest.fixture
def observations(numbers):
    return [
        {"observation.images.ego": image, "observation.state": state}
        for image, state in zip(numbers["images"][:6], numbers["state"], strict=False)
    ]


@pytest.fixture
def policy(model_of, processing_of) -> ChunkedPolicy:
    model = model_of("act-nano")
    return ChunkedPolicy(model, processing_of(model.config))


def test_executes_n_actions_of_a_chunk_then_predicts_again(policy, observations):
    assert isinstance(policy, Policy)
    first, second = policy.predict_chunk(observations[0]), policy.predict_chunk(observations[3])
    driven = [policy.act(obs) for obs in observations[:5]]
    assert np.array_equal(driven[:3], first[:3])
    assert np.array_equal(driven[3:], second[:2])
    policy.reset()
    assert np.array_equal(policy.act(observations[0]), first[0])
    assert driven[0].dtype == np.float32
    assert np.abs(first).max() <= 1


def test_many_worlds_in_one_pass(policy, observations):
    together = policy.predict_chunks(observations)
    assert together.shape == (6, 6, 2)
    assert np.allclose(together[4], policy.predict_chunk(observations[4]), atol=1e-5)


def test_ensemble_averages_what_the_chunks_say_of_this_tick(model_of, processing_of, observations):
    model = model_of("act-nano")
    policy = ChunkedPolicy(model, processing_of(model.config), temporal_ensemble=0.5)
    chunks = policy.predict_chunks(observations[:2])
    policy.act(observations[0])
    weights = np.exp([0.0, -0.5])
    wanted = (weights[0] * chunks[0][1] + weights[1] * chunks[1][0]) / weights.sum()
    assert np.allclose(policy.act(observations[1]), wanted, atol=1e-5)


def test_ensemble_of_a_constant_is_the_constant():
    ensemble = TemporalEnsemble(0.01, chunk_size=3)
    for _ in range(5):
        assert np.allclose(ensemble.update(np.full((3, 2), 0.25)), 0.25)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"observation.state": np.zeros(4, np.float32)}, r"observation.state: found \(4,\)"),
        ({"observation.images.ego": np.zeros((32, 32, 3), np.float32)}, "uint8"),
        ({"observation.images.ego": None}, r"observation.images.ego"),
    ],
)
def test_wrong_observations_are_named(policy, observations, change, field):
    with pytest.raises(CheckpointError, match=field):
        policy.predict_chunk({**observations[0], **change})


def test_more_steps_than_the_chunk_holds(model_of, processing_of):
    model = model_of("act-nano")
    with pytest.raises(ConfigError, match="n_action_steps: found 9"):
        ChunkedPolicy(model, processing_of(model.config), n_action_steps=9)


@pytest.mark.parametrize("baseline", [ZeroPolicy(2), RandomPolicy(2), ConstantPolicy([0.5, -0.5])])
def test_baselines_keep_the_protocol(baseline, observations):
    assert isinstance(baseline, Policy)
    baseline.reset()
    first = baseline.act(observations[0])
    assert first.shape == (2,)
    assert baseline.predict_chunks(observations).shape == (6, 20, 2)
    baseline.reset()
    assert np.array_equal(baseline.act(observations[0]), first)


def test_what_it_sees_goes_to_where_the_network_is(policy, observations):
    assert policy.device.type == "cpu"
    # On a device that only knows shapes all is computed, and nothing can be brought back.
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        policy.to("meta").predict_chunk(observations[0])
    assert policy.device.type == "meta"
