"""A moving average of a network's weights, which often drives better than the last weights."""

from __future__ import annotations

import copy
from collections.abc import Iterable

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
        pairs = zip(model.parameters(), self.model.parameters(), strict=True)
        self._own = {followed: own for followed, own in pairs if own is not followed}

    @torch.no_grad()
    def update(self, parameters: Iterable[nn.Parameter], n_updates: int) -> None:
        """Move towards these parameters of the first network after its ``n_updates``-th update."""
        followed = [parameter for parameter in parameters if parameter in self._own]
        if not followed:
            return
        weight = 1.0 - min(self.decay, (1 + n_updates) / (10 + n_updates))
        own = [self._own[parameter] for parameter in followed]
        torch._foreach_lerp_(own, followed, weight)  # type: ignore[call-overload]
