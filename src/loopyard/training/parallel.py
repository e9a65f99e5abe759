"""One batch over several cores: each takes a part of it through its own copy of the network.

Splitting every operation instead (torch's own way) makes the cores wait for each other some hundred
times a step; alone on two cores that costs little, but beside any other process it cost ten times
the step (benchmarks/training.py). Parts are summed in a fixed order: same bits every time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import nn

from loopyard.policies.chunked import draws_random

Item = TypeVar("Item")
Result = TypeVar("Result")

MIN_SHARD = 16
"""Fewer samples than this a core are not worth a copy."""


def shard_count(model: nn.Module, device: torch.device, threads: int, batch_size: int) -> int:
    """How many parts a batch is split into.

    One where a GPU does the work, and where the network itself draws random numbers (dropout, a
    sampled latent): several threads would draw from torch's one generator in no fixed order.
    """
    if device.type != "cpu" or draws_random(model):
        return 1
    return max(1, min(threads, batch_size // MIN_SHARD))


class Replicas:
    """Copies of a network that share its weights but have gradients of their own.

    The first is the network itself. `map` runs a function for each on a thread of its own.
    """

    def __init__(self, model: nn.Module, count: int):
        self.models = [model]
        for _ in range(count - 1):
            replica = copy.deepcopy(model)
            for own, shared in zip(replica.parameters(), model.parameters(), strict=True):
                own.data = shared.data
            for own, shared in zip(replica.buffers(), model.buffers(), strict=True):
                own.data = shared.data
            self.models.append(replica)
        self._pool = ThreadPoolExecutor(count, "shard") if count > 1 else None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """``function`` of each item, at once; results in the order of the items."""
        if self._pool is None:
            return [function(item) for item in items]
        return list(self._pool.map(function, items))

    def zero_grad(self) -> None:
        for model in self.models:
            model.zero_grad(set_to_none=True)

    def gather_gradients(self) -> None:
        """Add every copy's gradients to the first one's."""
        own = [parameter for parameter in self.models[0].parameters() if parameter.requires_grad]
        for replica in self.models[1:]:
            others = [parameter for parameter in replica.parameters() if parameter.requires_grad]
            for parameter, other in zip(own, others, strict=True):
                if other.grad is None:
                    continue
                if parameter.grad is None:
                    parameter.grad = other.grad
                else:
                    parameter.grad.add_(other.grad)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
