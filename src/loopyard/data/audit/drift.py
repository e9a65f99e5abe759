"""Is the end of the recording like its beginning? First against last quarter of the episodes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.audit.drives import drives_of, enough_of
from loopyard.data.audit.report import Check
from loopyard.data.audit.symmetry import welch_t
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

FEWEST = 4
"""Episodes in a quarter; a deviation of fewer is a guess."""
NOTHING = 1e-6
"""A standardised difference of a channel that varies less than this is none."""


def check_drift(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Mean of each channel over an episode; quarters compared in pooled standard deviations.

    Episodes count, not frames: those of one episode are not independent. Named are only channels
    that drift; where none does, one check says so.
    """
    drives = drives_of(dataset, limits)
    quarter = drives.episodes // 4
    wanted = f"at most {limits.drift_warn:g} standard deviations between first and last quarter"
    if drives.too_few(limits) or quarter < FEWEST:
        found = f"too little to say: {drives.episodes} episodes"
        yield Check("drift", "pass", found, enough_of(limits), part="health")
        return
    names = [f"{ACTION_KEY}.{name}" for name in drives.spec.action.names]
    names += [f"{STATE_KEY}.{name}" for name in drives.spec.state.names]
    both = np.hstack([drives.action, drives.state])
    means = drives.episode_means(both)
    surely = students_t(limits.drift_z, 2 * quarter - 2)
    found = {}
    for index, name in enumerate(names):
        first, last = means[:quarter, index], means[-quarter:, index]
        found[name] = _difference(first, last, NOTHING * float(both[:, index].std()))
        drifts = abs(found[name]) > limits.drift_warn
        if drifts and abs(welch_t(first, last)) > surely:
            yield Check(
                f"drift: {name}",
                "warn",
                f"{found[name]:+.2f} standard deviations "
                f"(mean {first.mean():.4g}, then {last.mean():.4g})",
                wanted,
                f"episodes 0 to {quarter - 1} and the last {quarter}",
                "health",
            )
    drives.measured["drift"] = {name: round(value, 3) for name, value in found.items()}
    name, most = max(found.items(), key=lambda item: abs(item[1]))
    yield Check("drift", "pass", f"most in {name}: {most:+.2f}", wanted, part="health")


def _difference(first: np.ndarray, last: np.ndarray, least: float) -> float:
    """Cohen's d of two samples."""
    away = float(last.mean() - first.mean())
    if abs(away) <= least:
        return 0.0
    pooled = float(np.sqrt((first.var(ddof=1) + last.var(ddof=1)) / 2))
    return away / max(pooled, abs(away) * 1e-3)


def students_t(normal: float, freedom: int) -> float:
    """The t that is as rare as a normal deviate (Abramowitz and Stegun, 26.7.5, three terms)."""
    first = (normal**3 + normal) / 4
    second = (5 * normal**5 + 16 * normal**3 + 3 * normal) / 96
    return normal + first / freedom + second / freedom**2
