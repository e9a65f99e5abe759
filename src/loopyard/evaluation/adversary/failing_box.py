"""A box of parameters in which drives mostly fail, and the failure mode that stages it.

The box is found by peeling (the patient rule induction method: J. H. Friedman and N. I. Fisher,
Statistics and Computing 9, 1999): from the whole box, again and again, the slice at one of its ends
is cut off without which the failure rate of the rest is highest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.evaluation.adversary.space import Number, Space
from loopyard.evaluation.adversary.trials import Tried
from loopyard.scenarios.mode import FailureMode, Recipe
from loopyard.scenarios.registry import Registry
from loopyard.scenarios.registry_file import SUFFIXES, save_registry

PEEL = 0.1
"""The share of the box's points that a cut takes."""

FAILING = 0.8
"""Cutting ends at this failure rate."""

FEWEST_ROLLOUTS = 8
DECIMALS = 3
SEVERITY, DIFFICULTY = 5, 5
"""Of a mode that a search found: the middle of the scale, for its author to put right."""

Box = dict[str, tuple[Number, Number]]


def failing_box(space: Space, tried: Tried) -> tuple[Box, int, int] | None:
    """The box, the rollouts in it and the failures among them; None where too few failed.

    Rollouts and failures are those that chose the box, so the rate flatters it.
    """
    inside = np.ones(len(tried.n), bool)
    while _rate(tried, inside) < FAILING:
        cuts = [cut for cut in _cuts(tried.units, inside) if _enough(tried, inside, cut)]
        best = max(cuts, key=lambda cut: _rate(tried, cut), default=None)
        if best is None or _rate(tried, best) <= _rate(tried, inside):
            break
        inside = best
    n, failures = int(tried.n[inside].sum()), int(tried.failures[inside].sum())
    if 2 * failures < n or failures == 0:
        return None
    low, high = tried.units[inside].min(axis=0), tried.units[inside].max(axis=0)
    ends = (space.values(low), space.values(high))
    return {name: (ends[0][name], ends[1][name]) for name in space.names}, n, failures


def mode_of(space: Space, box: Box, id: str, n: int, failures: int) -> FailureMode:
    """The failure mode that draws its scenarios from the box, about the base scenario."""
    draw = {
        axis.name: box[axis.name]
        if axis.integer
        else (round(float(box[axis.name][0]), DECIMALS), round(float(box[axis.name][1]), DECIMALS))
        for axis in space.axes
    }
    fixed = {name: value for name, value in space.base.params.items() if name not in draw}
    ranges = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in draw.items())
    return FailureMode(
        id=id,
        function="found by search",
        text=f"fails with {ranges}",
        severity=SEVERITY,
        occurrence=round(10.0 * failures / n, 1),
        difficulty=DIFFICULTY,
        expected=space.base.expected,
        behaviour=f"{failures} of the search's {n} rollouts with such parameters failed",
        worlds={
            space.base.world: Recipe(params=fixed, draw=draw, success=_criteria(space)),
        },
    )


def save_mode(mode: FailureMode, path: Path) -> None:
    """A file of one mode, as ``--modes`` and campaigns take it. Raises ConfigError by suffix."""
    require_mode_file(path)
    save_registry(Registry(modes=(mode,)), path)


def require_mode(space: Space, path: Path) -> None:
    """Raises ConfigError where a file of modes cannot have this name, or a mode not these
    parameters."""
    if space.randomised:
        wanted = "no such file: a mode sets parameters of the world, not its randomisation"
        raise ConfigError(expected("scenarios search", "--mode-out", str(path), wanted))
    require_mode_file(path)


def require_mode_file(path: Path) -> None:
    """Raises ConfigError where a file of modes cannot have this name."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(
            expected("scenarios search", "--mode-out", str(path), " or ".join(SUFFIXES))
        )


def _criteria(space: Space) -> Any:
    success = space.base.success
    return None if success == type(success)() else success


def _cuts(units: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
    """What is left of the points inside after each cut: two ends of each parameter."""
    left = []
    for column in units.T:
        values = np.sort(column[inside])
        take = max(1, round(PEEL * len(values)))
        if take < len(values):
            left += [inside & (column > values[take - 1]), inside & (column < values[-take])]
    return left


def _enough(tried: Tried, inside: np.ndarray, cut: np.ndarray) -> bool:
    return bool(cut.sum() < inside.sum() and tried.n[cut].sum() >= FEWEST_ROLLOUTS)


def _rate(tried: Tried, inside: np.ndarray) -> float:
    n = tried.n[inside].sum()
    return float(tried.failures[inside].sum() / n) if n else 0.0
