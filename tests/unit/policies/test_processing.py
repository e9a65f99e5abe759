from __future__ import annotations

import numpy as np
import pytest
import torch

from loopyard.core.errors import CheckpointError
from loopyard.policies.processing import Processing, statistics_of


def test_training_split_comes_out_with_mean_zero_and_deviation_one(
    config_of, processing_of, numbers
):
    processing = processing_of(config_of("act-nano"))
    images = processing.images("ego", torch.from_numpy(numbers["images"]))
    assert images.shape == (20, 3, 32, 32)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images.mean((0, 2, 3)).abs().max() < 1e-4
    assert (images.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert processing.state(torch.from_numpy(numbers["state"])).mean(0).abs().max() < 1e-5


@pytest.mark.parametrize("mode", ["identity", "mean_std", "min_max"])
def test_denormalise_is_the_inverse(config_of, processing_of, numbers, mode):
    processing = processing_of(config_of("act-nano"), action_mode=mode)
    action = torch.from_numpy(numbers["action"])
    back = processing.denormalise_action(processing.normalise_action(action))
    assert torch.allclose(back, action, atol=1e-6)


def test_min_max_fills_minus_one_to_one(config_of, processing_of, numbers):
    processing = processing_of(config_of("act-nano"), state_mode="min_max")
    state = processing.state(torch.from_numpy(numbers["state"]))
    assert torch.allclose(state.amin(0), -torch.ones(3), atol=1e-5)
    assert torch.allclose(state.amax(0), torch.ones(3), atol=1e-5)


def test_pixels_are_divided_by_255_once(config_of, processing_of):
    processing = processing_of(config_of("act-nano"), image_mode="identity")
    white = torch.full((1, 32, 32, 3), 255, dtype=torch.uint8)
    assert torch.equal(processing.images("ego", white), torch.ones(1, 3, 32, 32))


def test_other_sizes_are_scaled_one_by_one(config_of, processing_of):
    processing = processing_of(config_of("act-nano"))
    large = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (5, 64, 80, 3), np.uint8))
    together = processing.images("ego", large)
    assert together.shape == (5, 3, 32, 32)
    assert torch.equal(processing.images("ego", large[3:4]), together[3:4])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda stats: stats["action"].pop("std"), "action.std: found 'nothing'"),
        (lambda stats: stats.pop("observation.state"), "observation.state.mean"),
        (lambda stats: stats["action"].update(mean=np.zeros(3)), r"action.mean: found \(3,\)"),
        (lambda stats: stats["action"].update(mean=np.array([0, np.nan])), "finite"),
        (lambda stats: stats["action"].update(std=np.array([1.0, 0.0])), r"constant .*'throttle'"),
    ],
)
def test_bad_statistics_are_errors(config_of, processing_of, numbers, change, field):
    config = processing_of(config_of("act-nano")).config
    stats = statistics_of({"ego": numbers["images"]}, numbers["state"], numbers["action"])
    change(stats)
    with pytest.raises(CheckpointError, match=field):
        Processing(config, stats)


def test_constant_channel_may_be_centred_on_request(config_of, processing_of, numbers):
    config = processing_of(config_of("act-nano"), constant_channels="center").config
    state = numbers["state"].copy()
    state[:, 1] = 0.25
    stats = statistics_of({"ego": numbers["images"]}, state, numbers["action"])
    out = Processing(config, stats).state(torch.from_numpy(state))
    assert out[:, 1].abs().max() < 1e-6


def test_digest_names_config_and_statistics(config_of, processing_of, numbers):
    processing = processing_of(config_of("act-nano"))
    again = Processing.from_tensors(processing.config, processing.tensors(), "copy")
    assert again.digest == processing.digest
    assert processing_of(config_of("act-nano"), action_mode="min_max").digest != processing.digest
    tensors = processing.tensors()
    tensors["action.mean"] = tensors["action.mean"] + 1e-3
    assert Processing.from_tensors(processing.config, tensors, "x").digest != processing.digest
