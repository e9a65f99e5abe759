"""Which offline metric goes with closed-loop success, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from loopyard.core.seeds import stream

RESAMPLES = 2000
LEAST_FOR_INTERVAL = 6
"""With fewer checkpoints most resamples are the same few points, and the interval is a fiction."""
LEAST = 3


@dataclass(frozen=True)
class Correlation:
    """Of a metric with success, over n checkpoints. Intervals are 95 %, None with too few."""

    n: int
    pearson: float | None
    spearman: float | None
    pearson_95: tuple[float, float] | None
    spearman_95: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def correlate(values: Sequence[float], success: Sequence[float]) -> Correlation:
    """Pearson's and Spearman's coefficients, with bootstrap intervals over the checkpoints.

    The interval holds the middle 95 % of the coefficients of `RESAMPLES` drawings with
    replacement (B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13);
    drawings in which nothing varies have no coefficient and are left out. It is over the
    checkpoints at hand: the error of each success rate is not in it.

    None where there are fewer than `LEAST` checkpoints, or one of the two does not vary.
    """
    x, y = np.asarray(values, np.float64), np.asarray(success, np.float64)
    if len(x) < LEAST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(len(x), None, None, None, None)
    pearson = float(_pearson(x, y))
    spearman = float(_pearson(_ranks(x), _ranks(y)))
    if len(x) < LEAST_FOR_INTERVAL:
        return Correlation(len(x), pearson, spearman, None, None)
    draws = stream("bootstrap", len(x)).integers(len(x), size=(RESAMPLES, len(x)))
    x, y = x[draws], y[draws]
    varied = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)
    x, y = x[varied], y[varied]
    if len(x) < RESAMPLES // 2:
        return Correlation(len(draws[0]), pearson, spearman, None, None)
    return Correlation(
        len(draws[0]),
        pearson,
        spearman,
        _middle(_pearson(x, y)),
        _middle(_pearson(_ranks(x), _ranks(y))),
    )


def _middle(found: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    return np.clip((x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1)), -1, 1)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0 along the last axis; equal values share the mean of theirs."""
    one, other = values[..., :, None], values[..., None, :]
    return ((other < one).sum(-1) + (other <= one).sum(-1) - 1) / 2
