"""A moving average of a network's weights, which often drives better than the last weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """Holds a second network whose weights follow the first one's.

    decay grows from 0 to its full value as (1 + n) / (10 + n), so that the random start is soon
    forgotten. With decay 0 the network is the first one itself, and `update` does nothing.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        # What does not learn is shared: a second backbone would double the memory.
        frozen = {id(part): part for part in model.parameters() if not part.requires_grad}
        self.model = copy.deepcopy(model, frozen).requires_grad_(False) if decay else model

    @torch.no_grad()
    def update(self, model: nn.Module, n_updates: int) -> None:
        """Move towards ``model`` after its ``n_updates``-th update."""
        if not self.decay:
            return
        weight = 1.0 - min(self.decay, (1 + n_updates) / (10 + n_updates))
        pairs = zip(self.model.parameters(), model.parameters(), strict=True)
        learning = [(own, other) for own, other in pairs if own is not other]
        own, other = ([pair[side] for pair in learning] for side in (0, 1))
        torch._foreach_lerp_(own, other, weight)  # type: ignore[call-overload]
