"""One batch over several cores: each takes a part of it through its own copy of the network.

Splitting every operation instead (torch's own way) makes the cores wait for each other some hundred
times a step; alone on two cores that costs little, but beside any other process it cost ten times
the step (benchmarks/training.py). Parts are summed in a fixed order: same bits every time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
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
    learning: of each copy, the parameters that learn. parts: their places, about as many weights in
    each part, one part a thread.
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
        self.learning = [[p for p in one.parameters() if p.requires_grad] for one in self.models]
        self.parts = evenly([p.numel() for p in self.learning[0]], count)
        self._pool = ThreadPoolExecutor(count, "shard") if count > 1 else None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """``function`` of each item, at once; results in the order of the items."""
        return self.begin(function, items)()

    def begin(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Callable[[], list[Result]]:
        """`map` begun: what is given waits for its results. Where there is one copy, and so no
        threads, the work is done then."""
        if self._pool is None:
            return lambda: [function(item) for item in items]
        begun = [self._pool.submit(function, item) for item in items]
        return lambda: [one.result() for one in begun]

    def zero_grad(self) -> None:
        for model in self.models:
            model.zero_grad(set_to_none=True)

    def gather_gradients(self) -> None:
        """Add every copy's gradients to the first one's."""
        self.map(self._gather, self.parts)

    def _gather(self, places: list[int]) -> None:
        own, *copies = self.learning
        for place in places:
            for copy_ in copies:
                found = copy_[place].grad
                if found is None:
                    continue
                grad = own[place].grad
                if grad is None:
                    own[place].grad = found
                else:
                    grad.add_(found)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def evenly(sizes: Sequence[int], parts: int) -> list[list[int]]:
    """Places of things of these sizes in parts of about the same size: the largest first, each to
    the part that has least (Graham, SIAM Journal on Applied Mathematics 17, 1969)."""
    found: list[list[int]] = [[] for _ in range(parts)]
    sums = [0] * parts
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        least = sums.index(min(sums))
        found[least].append(place)
        sums[least] += sizes[place]
    return [sorted(places) for places in found]
