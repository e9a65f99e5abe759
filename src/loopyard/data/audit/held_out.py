"""Small predictors, fitted in closed form and judged on episodes that they did not see."""

from __future__ import annotations

import numpy as np

ROWS = 20_000
"""Frames that the fits use at most: their figures move by less than 0.01 with more."""
FEATURES = 192
"""Random Fourier features of the state: a few bends in each direction."""
BANDS = (0.3, 1.0)
"""Their frequencies, in radians a standard deviation, for coarse and fine structure."""
PENALTIES = (1e-4, 1e-2, 1.0)
"""Of ridge, a frame: from hardly any to so much that little data does not overfit."""
WIDTHS = (1, 4, 16)
"""Ticks that share a row of the table of mean actions; the best is what the index can tell."""
SHRINK = 1.0
"""Episodes' worth of the overall mean that each row of the table begins with."""


def r_squared(targets: np.ndarray, predicted: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """(A,) share of the squared error of ``chance``, the mean of the other folds, that is gone.

    0 is chance, 1 is perfect, below 0 worse than chance; NaN where a channel does not vary.
    """
    error = ((targets - predicted) ** 2).sum(axis=0)
    total = ((targets - chance) ** 2).sum(axis=0)
    varies = targets.std(axis=0) > 1e-9
    return np.where(varies, 1 - error / np.where(varies, total, 1.0), np.nan)


def chance_level(targets: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """(N, A): for each row the mean of the rows of other folds."""
    count = np.bincount(fold).astype(float)
    sums = np.stack([np.bincount(fold, column) for column in targets.T], axis=1)
    others = (sums.sum(axis=0) - sums) / np.maximum(count.sum() - count, 1)[:, None]
    return others[fold]


def ridge(given: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """(A,) held-out R² of a linear map of (N, F) features, whose first column is ones.

    Of PENALTIES the one with the best mean counts: what can be told, not what one setting tells.
    """
    folds = int(fold.max()) + 1
    rows = [np.flatnonzero(fold == f) for f in range(folds)]
    parts = [given[part] for part in rows]
    grams = np.stack([part.T @ part for part in parts])
    moments = np.stack([p.T @ targets[r] for p, r in zip(parts, rows, strict=True)])
    chance = chance_level(targets, fold)
    scores = []
    for strength in PENALTIES:
        penalty = strength * len(given) * np.eye(given.shape[1])
        penalty[0, 0] = 0.0
        predicted = np.empty_like(targets)
        for f in range(folds):
            others = grams.sum(axis=0) - grams[f] + penalty
            weights = np.linalg.solve(others, moments.sum(axis=0) - moments[f])
            predicted[rows[f]] = parts[f] @ weights
        scores.append(r_squared(targets, predicted, chance))
    return max(scores, key=mean_of)


def mean_of(scores: np.ndarray) -> float:
    """Of the channels that vary; 0 where none does."""
    told = scores[np.isfinite(scores)]
    return float(told.mean()) if len(told) else 0.0


def random_features(values: np.ndarray) -> np.ndarray:
    """(N, 1 + S + FEATURES): ones, the standardised values, and cosines of random directions.

    Rahimi and Recht, 2007: ridge on these is kernel regression at the cost of a linear one.
    """
    spread = values.std(axis=0)
    scaled = np.clip(
        (values - values.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf), -5, 5
    )
    rng = np.random.default_rng(0)
    parts = [np.ones((len(values), 1)), scaled]
    for band in BANDS:
        directions = rng.normal(0, band, (values.shape[1], FEATURES // len(BANDS)))
        phases = rng.uniform(0, 2 * np.pi, directions.shape[1])
        parts.append(np.cos(scaled @ directions + phases))
    return np.hstack(parts)


def table_by_number(number: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """(A,) held-out R² of the mean target at each (N,) whole number, the best width of WIDTHS."""
    chance = chance_level(targets, fold)
    scores = []
    for width in WIDTHS:
        row = number // width
        rows, folds = int(row.max()) + 1, int(fold.max()) + 1
        cell = fold * rows + row
        count = np.bincount(cell, minlength=rows * folds).reshape(folds, rows).astype(float)
        others = count.sum(axis=0) - count
        predicted = np.empty_like(targets)
        for channel, column in enumerate(targets.T):
            sums = np.bincount(cell, column, rows * folds).reshape(folds, rows)
            summed = sums.sum(axis=0) - sums
            start = SHRINK * width
            mean = (summed[fold, row] + start * chance[:, channel]) / (others[fold, row] + start)
            predicted[:, channel] = mean
        scores.append(r_squared(targets, predicted, chance))
    return np.stack(scores).max(axis=0)
