"""How much of the state space was visited: occupied cells of a coarse grid over two channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import STATE_KEY
from loopyard.data.audit.drives import drives_of, enough_of
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

CELLS = 10
"""On each axis: what the map shows and the check counts."""
CANDIDATES = 12
"""Channels of which pairs are tried, the most varied first."""


def check_coverage(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Of the two channels that together vary most, how many of 10 x 10 cells hold a frame.

    The effective number of cells is the exponential of the entropy of their shares.
    """
    drives = drives_of(dataset, limits)
    if too_few := drives.too_few(limits):
        yield Check("coverage", "pass", too_few, enough_of(limits), STATE_KEY, "health")
        return
    cells, names = _cells(drives.state), dataset.spec.state.names
    ranked = np.argsort(
        [-_effective(cells[:, i : i + 1]) for i in range(len(names))], kind="stable"
    )
    varied = [int(i) for i in ranked[:CANDIDATES] if np.ptp(cells[:, i])]
    if len(varied) < 2:
        yield Check("coverage", "pass", "fewer than two channels vary", "two", STATE_KEY, "health")
        return
    first = varied[0]
    second = max(varied[1:], key=lambda i: _effective(cells[:, [first, i]]))
    pair = sorted((first, second))
    grid = np.zeros((CELLS, CELLS))
    np.add.at(grid, tuple(cells[:, pair].T), 1)
    occupied, effective = int((grid > 0).sum()), _effective(cells[:, pair])
    share = occupied / CELLS**2
    drives.measured["coverage"] = {
        "channels": [names[i] for i in pair],
        "ranges": [
            [float(drives.state[:, i].min()), float(drives.state[:, i].max())] for i in pair
        ],
        "frames": grid.astype(int).tolist(),
        "occupied": occupied,
        "effective": round(effective, 1),
    }
    yield Check(
        "coverage",
        "warn" if share < limits.coverage_warn else "pass",
        f"{occupied} of {CELLS**2} cells of {names[pair[0]]} x {names[pair[1]]} visited, "
        f"{effective:.0f} in effect",
        f"at least {limits.coverage_warn:.0%} of the cells",
        STATE_KEY,
        "health",
    )


def _cells(state: np.ndarray) -> np.ndarray:
    """(N, S) cell of each value between its channel's smallest and largest."""
    low, spread = state.min(axis=0), np.ptp(state, axis=0)
    scaled = (state - low) / np.where(spread > 0, spread, 1.0) * CELLS
    return np.minimum(scaled.astype(np.int64), CELLS - 1)


def _effective(cells: np.ndarray) -> float:
    """Effective number of cells of (N, D) cell numbers."""
    flat = cells @ CELLS ** np.arange(cells.shape[1])
    share = np.bincount(flat) / len(flat)
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))
