"""Temporal ensembling: predict at every tick, and average what all chunks say about this one."""

from __future__ import annotations

import numpy as np


class TemporalEnsemble:
    """Weighted mean of overlapping chunks, weights exp(-coefficient * i), i = 0 the oldest.

    Algorithm 2 of Zhao et al. 2023 (arXiv:2304.13705), who use 0.01: older predictions count a
    little more. A negative coefficient favours newer ones.
    """

    def __init__(self, coefficient: float, chunk_size: int):
        self.weights = np.exp(-coefficient * np.arange(chunk_size))
        self.chunk_size = chunk_size
        self._chunks: list[np.ndarray] = []

    def reset(self) -> None:
        self._chunks = []

    def update(self, chunk: np.ndarray) -> np.ndarray:
        """Take this tick's (K, A) chunk, give this tick's (A,) action."""
        self._chunks.append(chunk)
        self._chunks = self._chunks[-self.chunk_size :]
        newest = len(self._chunks) - 1
        votes = np.stack([past[newest - i] for i, past in enumerate(self._chunks)])
        weights = self.weights[: len(votes), None]
        return ((votes * weights).sum(0) / weights.sum()).astype(np.float32)
