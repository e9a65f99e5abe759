"""Where failure begins, in two parameters: which two, where to look next, and the 50 % line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.evaluation.adversary.field import fit_field
from loopyard.evaluation.adversary.space import Space
from loopyard.evaluation.adversary.trials import Tried

CANDIDATES = 24
"""Places along each side where a rollout may be asked for."""

GRID, CELLS = 81, 8
SURE = 1.96
"""Standard deviations of the field within which the line may lie: 95 %."""

ENOUGH = 1.0
"""With fewer rollouts near than this, nothing is said of a place."""

NEAR = 0.1
"""A point this far off the plane counts as on it when rollouts are counted."""


@dataclass(frozen=True)
class Plane:
    """Two of a space's parameters; the others are held at ``fixed``, (D,) units."""

    space: Space
    across: int
    up: int
    fixed: np.ndarray

    @property
    def names(self) -> tuple[str, str]:
        return self.space.names[self.across], self.space.names[self.up]

    def points(self, places: np.ndarray) -> np.ndarray:
        """(M, 2) places on the plane, as (M, D) units."""
        units = np.tile(self.fixed, (len(places), 1))
        units[:, [self.across, self.up]] = places
        return units

    def places(self, units: np.ndarray) -> np.ndarray:
        """(M, D) units, seen on the plane: (M, 2)."""
        return units[:, [self.across, self.up]]

    def distance(self, units: np.ndarray) -> np.ndarray:
        """(M,) how far points are off the plane, in units."""
        off = units - self.points(self.places(units))
        return np.sqrt((off**2).sum(axis=1))

    def held(self) -> dict[str, Any]:
        """The values of the other parameters."""
        values = self.space.values(self.fixed)
        return {name: value for name, value in values.items() if name not in self.names}


@dataclass(frozen=True)
class Boundary:
    """Failure over a plane. rate: (GRID, GRID) 0..1, rows go up, NaN where nothing is known.
    sureness: the same of how many standard deviations lie between it and one half. lines: where
    half of the drives fail, (K, 2) places each. near: (P,) bool, tried points on the plane.
    """

    plane: Plane
    rate: np.ndarray
    sureness: np.ndarray
    lines: tuple[np.ndarray, ...]
    near: np.ndarray

    @property
    def known(self) -> float:
        """The share of the plane that the rollouts say something of."""
        return float(np.isfinite(self.rate).mean())

    @property
    def decided(self) -> float:
        """The share of the plane that surely (95 %) lies on one side of the line."""
        return float((np.nan_to_num(np.abs(self.sureness)) >= SURE).mean())


def effects(tried: Tried) -> np.ndarray:
    """(D,) how strongly each parameter moves the badness: standardised rank regression
    coefficients (R. L. Iman and W. J. Conover, Technometrics 21, 1979), which a search's
    correlated points mislead less than single correlations; 0.0 where nothing differs."""
    ranked = np.column_stack([_ranks(column) for column in tried.units.T])
    outcome = _ranks(np.round(tried.badness, 9))  # equal means may differ by their rounding
    spread = ranked.std(axis=0)
    if outcome.std() == 0.0 or len(outcome) <= ranked.shape[1]:
        return np.zeros(ranked.shape[1])
    standard = (ranked - ranked.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    target = (outcome - outcome.mean()) / outcome.std()
    return np.linalg.lstsq(standard, target, rcond=None)[0]


def choose_plane(space: Space, tried: Tried, wanted: tuple[str, str] | None) -> Plane:
    """The plane of two wanted parameters, or of the two with the strongest effect; the others are
    held at their nominal values, or at the nearer end where those lie outside."""
    if wanted is not None:
        across, up = (space.index(name) for name in wanted)
    else:
        strength = np.round(np.abs(effects(tried)), 9)
        across, up = sorted(np.argsort(-strength, kind="stable")[:2].tolist())
    return Plane(space, across, up, space.snapped(np.clip(space.nominal, 0.0, 1.0)))


def next_points(plane: Plane, tried: Tried, count: int, each: int) -> np.ndarray:
    """(count, D) points of the plane that tell most of the boundary, at ``each`` rollouts.

    One after another the place with the largest 1.96 sd - |mean| of the log odds (the straddle
    rule: B. Bryan and others, "Active learning for identifying function threshold boundaries",
    NIPS 2005): little known, and near to one half. Where rollouts were just asked for, more will be
    known: the covariance is what it will be after them.
    """
    field = fit_field(tried.units, tried.n, tried.failures)
    ticks = (np.arange(CANDIDATES) + 0.5) / CANDIDATES
    places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    points = np.array([plane.space.snapped(point) for point in plane.points(places)])
    mean, covariance = field.joint(points)
    chosen = []
    for _ in range(count):
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        worth = SURE * deviation - np.abs(mean)
        worth[chosen] = -np.inf  # beside it tells as much, and of more places
        best = int(np.argmax(worth))
        chosen.append(best)
        noise = 1.0 / (each * 0.25 / np.cosh(0.5 * mean[best]) ** 2)  # of Laplace's method
        known = covariance[best] / np.sqrt(covariance[best, best] + noise)
        covariance = covariance - np.outer(known, known)
    return points[chosen]


def find_boundary(plane: Plane, tried: Tried) -> Boundary:
    """The failure rate over the plane, from all rollouts."""
    from contourpy import contour_generator

    field = fit_field(tried.units, tried.n, tried.failures)
    ticks = np.linspace(0.0, 1.0, GRID)
    places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    points = plane.points(places)
    mean, deviation = (part.reshape(GRID, GRID) for part in field.at(points))
    odds = np.where(field.reach(points).reshape(GRID, GRID) >= ENOUGH, mean, np.nan)
    found: Any = contour_generator(ticks, ticks, np.ma.masked_invalid(odds)).lines(0.0)
    return Boundary(
        plane,
        rate=0.5 * (1.0 + np.tanh(0.5 * odds)),
        sureness=odds / np.maximum(deviation, 1e-9),
        lines=tuple(np.asarray(line, np.float64) for line in found),
        near=plane.distance(tried.units) <= NEAR,
    )


def boundary_json(boundary: Boundary, tried: Tried) -> dict[str, Any]:
    """Plain JSON in the parameters' own values; rollouts and failures are counted by cell."""
    plane = boundary.plane
    axes = [plane.space.axes[index] for index in (plane.across, plane.up)]
    places = plane.places(tried.units[boundary.near])
    edges = np.linspace(0.0, 1.0, CELLS + 1)
    counts = [
        np.histogram2d(places[:, 1], places[:, 0], (edges, edges), weights=weights[boundary.near])
        for weights in (tried.n, tried.failures)
    ]
    lines = [
        [[_own(axis, u) for axis, u in zip(axes, place, strict=True)] for place in line]
        for line in boundary.lines
    ]
    return {
        "parameters": list(plane.names),
        "others": plane.held(),
        "half_fail": lines,
        "share_known": round(boundary.known, 4),
        "share_decided": round(boundary.decided, 4),
        "cells": {
            f"{axes[0].name}_edges": [_own(axes[0], u) for u in edges],
            f"{axes[1].name}_edges": [_own(axes[1], u) for u in edges],
            "rollouts": counts[0][0].astype(int).tolist(),
            "failures": counts[1][0].astype(int).tolist(),
        },
    }


def _own(axis: Any, unit: float) -> float:
    return float(f"{axis.low + float(unit) * (axis.high - axis.low):.5g}")


def _ranks(values: np.ndarray) -> np.ndarray:
    """(N,) ranks from 1 on; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse.reshape(-1)]
