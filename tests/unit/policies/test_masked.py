"""A hidden input changes nothing: in training, in inference, and once a checkpoint is loaded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from loopyard.core.errors import CheckpointError
from loopyard.policies.checkpoint import load_policy, save_checkpoint
from loopyard.policies.chunked import ChunkedPolicy

VOCABULARY = ("left", "right", "cup")


@pytest.fixture
def policy_with(model_of, processing_of):
    def make(*masked: str) -> ChunkedPolicy:
        model = model_of("vla-nano")
        processing = processing_of(model.config, vocabulary=VOCABULARY, masked=masked)
        return ChunkedPolicy(model, processing)

    return make


@pytest.fixture
def seen(numbers):
    def observation(image: int, task: str) -> dict:
        return {
            "observation.images.ego": numbers["images"][image],
            "observation.state": numbers["state"][0],
            "task": task,
        }

    return observation


@pytest.mark.parametrize("masked", [(), ("image",), ("text",)])
def test_what_is_masked_does_not_matter_and_the_rest_does(policy_with, seen, masked, tmp_path):
    policy = policy_with(*masked)
    saved = save_checkpoint(
        tmp_path / "made",
        config=policy.config,
        weights=policy.model.state_dict(),
        processing=policy.processing,
        facts={},
    )
    for driver in (policy, load_policy(saved)):
        chunk = driver.predict_chunk(seen(0, "left cup"))
        other_picture = driver.predict_chunk(seen(1, "left cup"))
        other_words = driver.predict_chunk(seen(0, "right cup"))
        assert np.array_equal(chunk, other_picture) == ("image" in masked)
        assert np.array_equal(chunk, other_words) == ("text" in masked)


def test_training_hides_it_as_well(policy_with, numbers):
    processing = policy_with("image", "text").processing
    pixels = processing.pixels(torch.from_numpy(numbers["images"]))
    assert pixels.std() > 0
    assert not processing.normalise_pixels("ego", pixels).any()
    assert not processing.text(["left cup", "right"]).any()


def test_only_a_masked_policy_takes_words_it_does_not_know(policy_with, seen):
    with pytest.raises(CheckpointError, match="of which it knows 50%"):
        policy_with().predict_chunk(seen(0, "컵"))
    assert np.isfinite(policy_with("text").predict_chunk(seen(0, "컵"))).all()
