"""How a chunk of predicted actions becomes the action of each control tick, for one drive.

A `ChunkedPolicy` does this inside ``act``; the lockstep drive asks for the chunks of many worlds at
once and so keeps one of these for each of them.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from loopyard.policies.temporal import TemporalEnsemble


class Execution(Protocol):
    """Takes a chunk whenever `stride` actions are used up, and gives one action a tick."""

    stride: int

    def offer(self, chunk: np.ndarray) -> None:
        """chunk: (K, A) float32, predicted from the observation of this tick."""
        ...

    def next(self) -> np.ndarray:
        """(A,) float32: the action of this tick."""
        ...


class ChunkQueue:
    """The first `stride` actions of each chunk, then the next chunk."""

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self._chunk = np.empty((0, 0), np.float32)
        self._used = 0

    def offer(self, chunk: np.ndarray) -> None:
        self._chunk, self._used = chunk, 0

    def next(self) -> np.ndarray:
        action = self._chunk[self._used]
        self._used += 1
        return action


class Ensemble:
    """A chunk every tick, and the weighted mean of all that speak of it."""

    stride = 1

    def __init__(self, coefficient: float, chunk_size: int) -> None:
        self._ensemble = TemporalEnsemble(coefficient, chunk_size)
        self._action = np.empty(0, np.float32)

    def offer(self, chunk: np.ndarray) -> None:
        self._action = self._ensemble.update(chunk)

    def next(self) -> np.ndarray:
        return self._action


def start_execution(policy: Any) -> Execution:
    """A fresh execution as the policy asks: its ``temporal_ensemble`` where set, else a queue."""
    coefficient = getattr(policy, "temporal_ensemble", None)
    if coefficient is not None:
        return Ensemble(float(coefficient), int(policy.chunk_size))
    return ChunkQueue(int(policy.n_action_steps))
