"""The loss of a chunk: mean absolute error, or Huber's, over the steps that exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F

from loopyard.core.errors import ConfigError, expected


def step_weights(chunk_size: int, decay: float) -> torch.Tensor:
    """(K,) weights decay ** k, mean 1."""
    weights = torch.pow(torch.tensor(decay), torch.arange(chunk_size))
    return weights / weights.mean()


def channel_weights(names: Sequence[str], given: Mapping[str, float]) -> torch.Tensor | None:
    """(A,) weights of the action channels, mean 1; None where all weigh alike.

    Raises:
        ConfigError: a weight for a channel that the action does not have.
    """
    unknown = sorted(given.keys() - set(names))
    if unknown:
        raise ConfigError(expected("train", "channel_weights", unknown[0], f"one of {list(names)}"))
    weights = torch.tensor([given.get(name, 1.0) for name in names])
    return None if bool((weights == weights[0]).all()) else weights / weights.mean()


def total_weight(is_pad: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weight of all steps of (B, K) that exist."""
    return ((~is_pad).to(weights.dtype) * weights).sum()


def chunk_l1(
    prediction: torch.Tensor,
    target: torch.Tensor,
    is_pad: torch.Tensor,
    weights: torch.Tensor,
    total: torch.Tensor | None = None,
    channels: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(loss, loss per channel (A,) without gradient).

    prediction, target: (B, K, A). is_pad: (B, K) bool, steps past the end of an episode: they
    neither count nor dilute. weights: (K,). total: `total_weight` of the whole batch where this is
    a part of it; the parts' losses then add up. channels: `channel_weights`; they weigh the loss
    and not the loss per channel. A batch without a valid step gives 0.
    """
    return _over_chunk((prediction - target).abs(), is_pad, weights, total, channels)


def chunk_huber(
    prediction: torch.Tensor,
    target: torch.Tensor,
    is_pad: torch.Tensor,
    weights: torch.Tensor,
    total: torch.Tensor | None = None,
    channels: torch.Tensor | None = None,
    *,
    delta: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """`chunk_l1` with half the square of an error up to ``delta``, and a line from there on."""
    error = F.huber_loss(prediction, target, reduction="none", delta=delta)
    return _over_chunk(error, is_pad, weights, total, channels)


def _over_chunk(
    error: torch.Tensor,
    is_pad: torch.Tensor,
    weights: torch.Tensor,
    total: torch.Tensor | None,
    channels: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    valid = (~is_pad).to(error.dtype) * weights
    error = error * valid[..., None]
    total = valid.sum() if total is None else total
    per_channel = error.sum((0, 1)) / total.clamp_min(1e-9)
    weighted = per_channel if channels is None else per_channel * channels
    return weighted.mean(), per_channel.detach()
