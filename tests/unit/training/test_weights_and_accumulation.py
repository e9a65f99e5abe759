"""Weights of action channels, and steps of several batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from loopyard.core.errors import ConfigError
from loopyard.policies.checkpoint import load_checkpoint
from loopyard.training.batches import split_rows
from loopyard.training.journal import read_journal
from loopyard.training.loop import train
from loopyard.training.loss import channel_weights, chunk_l1, step_weights


def test_a_channel_weighs_as_it_was_told_and_is_logged_as_it_is():
    target, is_pad = torch.zeros(2, 3, 2), torch.zeros(2, 3, dtype=torch.bool)
    prediction = torch.tensor([1.0, 2.0]).expand(2, 3, 2)
    weights = channel_weights(["steering", "throttle"], {"steering": 3.0})
    assert weights is not None
    assert weights.tolist() == [1.5, 0.5]
    loss, per_channel = chunk_l1(prediction, target, is_pad, step_weights(3, 1.0), channels=weights)
    assert loss.item() == pytest.approx((1.5 * 1 + 0.5 * 2) / 2)
    assert per_channel.tolist() == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize("given", [{}, {"steering": 1.0}, {"steering": 4.0, "throttle": 4.0}])
def test_channels_that_weigh_alike_have_no_weights(given):
    assert channel_weights(["steering", "throttle"], given) is None


def test_an_unknown_channel_is_named(config_of, sources, out):
    with pytest.raises(ConfigError, match=r"channel_weights: found 'lift', expected one of"):
        train(config_of(channel_weights={"lift": 2.0}), sources, out)


def test_a_heavier_channel_is_learned_better(config_of, sources, tmp_path):
    """The network is so small that it cannot learn both channels in this time."""
    losses = {}
    for name, weights in (("even", {}), ("heavy", {"throttle": 20.0})):
        config = config_of(steps=40, lr=3e-3, channel_weights=weights, validate_every=500)
        train(config, sources, tmp_path / name)
        losses[name] = read_journal(tmp_path / name / "log.jsonl")[-1]["loss_per_channel"]
    assert losses["heavy"]["throttle"] < losses["even"]["throttle"]
    assert losses["heavy"]["steering"] > losses["even"]["steering"]


@pytest.mark.parametrize("counts", [(5, 3), (1, 1), (0, 8), (7, 0, 1)])
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_parts_of_a_step_are_equal_and_lose_nothing(counts, parts):
    if sum(counts) % parts:
        pytest.skip("a step is a whole number of batches")
    rows = [np.arange(count) + 100 * source for source, count in enumerate(counts)]
    split = split_rows(rows, parts)
    assert {sum(map(len, part)) for part in split} == {sum(counts) // parts}
    for source, row in enumerate(rows):
        assert np.concatenate([part[source] for part in split]).tolist() == row.tolist()


def test_half_the_batch_and_twice_as_many_take_the_same_step(config_of, sources, tmp_path):
    """The same frames, the same variation apart from its draws, so it is left out here."""
    still = {"augmentation": {"shift_px": 0, "brightness": 0, "contrast": 0, "channel": 0}}
    still["augmentation"]["state_noise"] = 0
    weights = {}
    for name, sizes in (
        ("whole", {"batch_size": 32}),
        ("halves", {"batch_size": 16, "accumulate": 2}),
    ):
        config = config_of(steps=3, bf16="off", **still, **sizes)
        result = train(config, sources, tmp_path / name)
        assert result.steps == 3
        weights[name] = load_checkpoint(tmp_path / name / "last").model().state_dict()
    for key, values in weights["whole"].items():
        assert torch.allclose(values, weights["halves"][key], atol=1e-5), key


def test_an_epoch_counts_every_sample_once(config_of, sources, out):
    assert train(config_of(epochs=1, batch_size=8, accumulate=5), sources, out).steps == 2
