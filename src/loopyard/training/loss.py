"""The loss of a chunk: mean absolute error over the steps that exist."""

from __future__ import annotations

import torch


def step_weights(chunk_size: int, decay: float) -> torch.Tensor:
    """(K,) weights decay ** k, mean 1."""
    weights = torch.pow(torch.tensor(decay), torch.arange(chunk_size))
    return weights / weights.mean()


def total_weight(is_pad: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weight of all steps of (B, K) that exist."""
    return ((~is_pad).to(weights.dtype) * weights).sum()


def chunk_l1(
    prediction: torch.Tensor,
    target: torch.Tensor,
    is_pad: torch.Tensor,
    weights: torch.Tensor,
    total: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(loss, loss per channel (A,) without gradient).

    prediction, target: (B, K, A). is_pad: (B, K) bool, steps past the end of an episode: they
    neither count nor dilute. weights: (K,). total: `total_weight` of the whole batch where this is
    a part of it; the parts' losses then add up. A batch without a valid step gives 0.
    """
    valid = (~is_pad).to(prediction.dtype) * weights
    error = (prediction - target).abs() * valid[..., None]
    total = valid.sum() if total is None else total
    per_channel = error.sum((0, 1)) / total.clamp_min(1e-9)
    return per_channel.mean(), per_channel.detach()
