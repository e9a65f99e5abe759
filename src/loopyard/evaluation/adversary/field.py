"""A field over a search's points: the failure rate everywhere, and how well that is known.

Gaussian process classification with the logistic likelihood of counts, by Laplace's method
(C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning, 2006, algorithms
3.1 and 3.2, equation 3.32). Length scale and amplitude are those of a small grid with the highest
evidence. Its mean before any rollout is a failure rate of one half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

LENGTHS = (0.1, 0.15, 0.22, 0.33, 0.5, 0.75)
"""In units of the box of two parameters; with D of them, times sqrt(D / 2), as distances grow."""

AMPLITUDES = (1.5, 4.0)
"""Standard deviations of the log odds before any rollout."""

CHOOSING_POINTS = 150
"""Length and amplitude are chosen on at most so many points: each choice costs their cube."""

NEWTON_STEPS, TOLERANCE, JITTER = 60, 1e-6, 1e-8
NEIGHBOURHOOD = 0.1
"""What is this near to a point, in units of the box of two, tells as much as 0.6 of a rollout."""


@dataclass(frozen=True)
class Field:
    """units: (P, D) points. n: (P,) rollouts there. length: in units of the box. amplitude: in log
    odds."""

    units: np.ndarray
    n: np.ndarray
    length: float
    amplitude: float
    evidence: float
    _slope: np.ndarray
    _root: np.ndarray
    _factor: np.ndarray

    def at(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M, D) points: (M,) means and (M,) standard deviations of the failure's log odds."""
        across = _covariance(points, self.units, self.length, self.amplitude)
        mean = across @ self._slope
        solved = np.linalg.solve(self._factor, self._root[:, None] * across.T)
        variance = self.amplitude**2 - (solved**2).sum(axis=0)
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def joint(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M, D) points: (M,) means and (M, M) covariances of the failure's log odds."""
        across = _covariance(points, self.units, self.length, self.amplitude)
        solved = np.linalg.solve(self._factor, self._root[:, None] * across.T)
        before = _covariance(points, points, self.length, self.amplitude)
        return across @ self._slope, before - solved.T @ solved

    def reach(self, points: np.ndarray) -> np.ndarray:
        """(M,) rollouts near (M, D) points: one at the point itself counts as one, one a length
        scale away as 0.6."""
        return _covariance(points, self.units, self.length, 1.0) @ self.n


def fit_field(units: np.ndarray, n: np.ndarray, failures: np.ndarray) -> Field:
    """The field of (P, D) points with (P,) rollouts and (P,) failures among them."""
    step = -(-len(units) // CHOOSING_POINTS)
    scale = math.sqrt(units.shape[1] / 2)
    tried = [
        _fit(units[::step], n[::step], failures[::step], length * scale, amplitude)
        for length in LENGTHS
        for amplitude in AMPLITUDES
    ]
    best = max(tried, key=lambda field: field.evidence)
    return best if step == 1 else _fit(units, n, failures, best.length, best.amplitude)


def smoothed(units: np.ndarray, n: np.ndarray, means: np.ndarray) -> np.ndarray:
    """(P,) each point's mean together with its neighbours', weighted by their rollouts and by
    exp(-d^2 / 2 h^2), and with one rollout of the overall mean."""
    width = NEIGHBOURHOOD * math.sqrt(units.shape[1] / 2)
    near = _covariance(units, units, width, 1.0) * n
    overall = float(np.average(means, weights=n))
    return (near @ means + overall) / (near.sum(axis=1) + 1.0)


def _fit(
    units: np.ndarray, n: np.ndarray, failures: np.ndarray, length: float, amplitude: float
) -> Field:
    covariance = _covariance(units, units, length, amplitude)
    covariance[np.diag_indices_from(covariance)] += JITTER
    f = dual = np.zeros(len(units))
    for _ in range(NEWTON_STEPS):
        rate = _logistic(f)
        weight = n * rate * (1 - rate)
        root = np.sqrt(weight)
        ask = weight * f + failures - n * rate
        inner = root[:, None] * covariance * root
        inner[np.diag_indices_from(inner)] += 1.0
        dual = ask - root * np.linalg.solve(inner, root * (covariance @ ask))
        new = covariance @ dual
        moved = float(np.abs(new - f).max())
        f = new
        if moved < TOLERANCE:
            break
    rate = _logistic(f)
    root = np.sqrt(n * rate * (1 - rate))
    factor = np.linalg.cholesky(np.eye(len(f)) + root[:, None] * covariance * root)
    likelihood = float((failures * f - n * np.logaddexp(0.0, f)).sum())
    evidence = likelihood - 0.5 * float(dual @ f) - float(np.log(np.diag(factor)).sum())
    return Field(units, n, length, amplitude, evidence, failures - n * rate, root, factor)


def _covariance(
    points: np.ndarray, units: np.ndarray, length: float, amplitude: float
) -> np.ndarray:
    """(M, P) of M points with P others."""
    squares = (points**2).sum(axis=1)[:, None] + (units**2).sum(axis=1) - 2.0 * points @ units.T
    return amplitude**2 * np.exp(-np.maximum(squares, 0.0) / (2 * length**2))


def _logistic(f: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * f))
