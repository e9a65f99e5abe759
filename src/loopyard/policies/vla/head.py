"""From what the backbone read off the last frames to a chunk of actions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from loopyard.policies.vla.config import VlaConfig


class ActionHead(nn.Module):
    """(B, T, width) and state (B, S) -> (B, K, A), with classes (B, K, A, bins).

    In float32 whatever stands around it: it is small, and an LSTM loses by less.
    """

    def __init__(self, config: VlaConfig, width: int):
        super().__init__()
        self.config = config
        self.norm = nn.LayerNorm(width)
        if config.head == "lstm":
            self.over_frames = nn.LSTM(width, config.hidden, batch_first=True)
        else:
            self.over_frames = nn.Sequential(
                nn.Flatten(),
                nn.Linear(width * config.window, config.hidden),
                nn.ReLU(),
                nn.Linear(config.hidden, config.hidden),
                nn.ReLU(),
            )
        outputs = config.chunk_size * config.action_size * max(1, config.bins)
        self.out = nn.Linear(config.hidden + config.state_size, outputs)

    def forward(self, seen: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        with torch.autocast(seen.device.type, enabled=False):
            seen = self.norm(seen.float())
            if isinstance(self.over_frames, nn.LSTM):
                summary = self.over_frames(seen)[0][:, -1]
            else:
                summary = self.over_frames(seen)
            chunk = self.out(torch.cat([summary, state.float()], dim=1))
        shape = (len(seen), self.config.chunk_size, self.config.action_size)
        return chunk.view(*shape, self.config.bins) if self.config.bins else chunk.view(shape)


class Bins(nn.Module):
    """Actions as classes of equal width over [-1, 1], and how much each class weighs."""

    weights: torch.Tensor

    def __init__(self, config: VlaConfig):
        super().__init__()
        self.count, self.balance = config.bins, config.bin_balance
        self.register_buffer("weights", torch.ones(config.action_size, config.bins))

    def classes(self, action: torch.Tensor) -> torch.Tensor:
        """(..., A) -> (..., A) int64: the nearest class."""
        return ((action.clamp(-1, 1) + 1) / 2 * (self.count - 1)).round().long()

    def actions(self, logits: torch.Tensor) -> torch.Tensor:
        """(..., A, bins) -> (..., A): the middle of the likeliest class. No gradient."""
        return logits.argmax(dim=-1).float() / (self.count - 1) * 2 - 1

    def weigh(self, action: torch.Tensor) -> None:
        """Weights by how rare a class is in these labels (N, A); their mean over labels is 1."""
        found = F.one_hot(self.classes(action), self.count).float().mean(0)
        weights = found.clamp_min(1 / len(action)) ** -self.balance
        self.weights.copy_(weights / (weights * found).sum(1, keepdim=True))

    def loss(
        self, logits: torch.Tensor, action: torch.Tensor, is_pad: torch.Tensor
    ) -> torch.Tensor:
        """Weighted cross entropy, the mean over the steps that exist."""
        classes = self.classes(action)
        told = F.cross_entropy(logits.float().flatten(0, 2), classes.flatten(), reduction="none")
        weights = self.weights.expand(*classes.shape, -1).gather(-1, classes[..., None])[..., 0]
        valid = (~is_pad)[..., None] * weights
        count = (~is_pad).sum().clamp_min(1) * classes.shape[2]
        return (told.view_as(classes) * valid).sum() / count
