"""The search: a look everywhere, CMA-ES towards failure, the boundary, a check on new scenes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, WorldError, expected
from loopyard.core.seeds import stream
from loopyard.evaluation.adversary.boundary import (
    Boundary,
    Plane,
    choose_plane,
    find_boundary,
    next_points,
)
from loopyard.evaluation.adversary.field import smoothed
from loopyard.evaluation.adversary.space import WHERE, Space
from loopyard.evaluation.adversary.trials import CHECK_FROM, Drive, Trials, Tried
from loopyard.evaluation.record import RolloutRecord

CLIMB_SHARE, BOUNDARY_SHARE = 0.45, 0.3
"""Of the points: for CMA-ES, and for the boundary; the rest looks everywhere."""

BOUNDARY_ROUNDS = 3
START_SPREAD = 0.25
"""CMA-ES begins with this standard deviation, in units of the box."""


@dataclass(frozen=True)
class SearchSettings:
    """rollouts: all of them. scenes: rollouts a point. check: new scenes on which the worst point
    and the nominal one are driven at the end. unsafe: a success that broke a safety rule counts as
    a failure. boundary: two parameters; None for the two with the strongest effect."""

    rollouts: int = 200
    scenes: int = 2
    check: int = 20
    seed: int = 0
    unsafe: bool = False
    boundary: tuple[str, str] | None = None


@dataclass(frozen=True)
class Finding:
    """What a search found. worst: (D,) units. worst_check, nominal_check: records of new scenes.
    records: every rollout, the checks last. impossible: points whose scenes have no room."""

    space: Space
    settings: SearchSettings
    tried: Tried
    boundary: Boundary
    worst: np.ndarray
    worst_check: tuple[RolloutRecord, ...]
    nominal_check: tuple[RolloutRecord, ...]
    records: tuple[RolloutRecord, ...]
    impossible: int


@dataclass(frozen=True)
class Shares:
    """Points of each part of a search."""

    look: int
    generations: int
    generation: int
    boundary: int


def share_out(settings: SearchSettings, dimensions: int) -> Shares:
    """How the budget is spent.

    Raises:
        ConfigError: a number is out of range, or the rollouts are too few for every part.
    """
    for flag, value, most in (
        ("--scenes", settings.scenes, 100),
        ("--check", settings.check, CHECK_FROM // 2),
        ("--rollouts", settings.rollouts, CHECK_FROM // 2),
    ):
        if not 1 <= value <= most:
            raise ConfigError(expected(WHERE, flag, value, f"1 to {most}"))
    if settings.seed < 0:
        raise ConfigError(expected(WHERE, "--seed", settings.seed, "0 or more"))
    generation = max(8, 4 + int(3 * math.log(dimensions)))
    points = (settings.rollouts - 2 * settings.check) // settings.scenes
    if points < 3 * generation:
        least = 3 * generation * settings.scenes + 2 * settings.check
        wanted = (
            f"at least {least}: {3 * generation} points of {settings.scenes} scenes (--scenes), "
            f"and twice {settings.check} (--check)"
        )
        raise ConfigError(expected(WHERE, "--rollouts", settings.rollouts, wanted))
    generations = max(1, int(CLIMB_SHARE * points) // generation)
    boundary = max(generation, int(BOUNDARY_SHARE * points))
    return Shares(points - generations * generation - boundary, generations, generation, boundary)


def search(space: Space, settings: SearchSettings, drive: Drive) -> Finding:
    """Searches for parameters under which drives fail, and for where that begins.

    The same space, settings and outcomes give the same search: what is asked next depends on
    nothing else, so one that was stopped goes on from its records.

    Raises:
        ConfigError: the settings do not fit, or the package `cma` is missing.
        WorldError: no point has room for its scene.
    """
    shares = share_out(settings, len(space.axes))
    if settings.boundary is not None and len(set(map(space.index, settings.boundary))) != 2:
        wanted = "two different parameters"
        raise ConfigError(expected(WHERE, "--boundary", settings.boundary, wanted))
    optimiser = _load_optimiser()
    trials = Trials(space, drive, settings.scenes, settings.seed, unsafe=settings.unsafe)
    trials.ask(spread_points(shares.look, len(space.axes), settings.seed))
    if trials.rollouts == 0:
        wanted = "room in at least one; widen the ranges or change the base scenario"
        raise WorldError(
            expected(WHERE, "scenes tried", f"no room in {shares.look} points", wanted)
        )
    _climb(optimiser, trials, shares, settings.seed)
    plane = choose_plane(space, trials.tried(), settings.boundary)
    _trace_boundary(trials, plane, shares.boundary, settings.scenes)
    tried = trials.tried()
    worst = worst_point(tried)
    scenarios = (space.scenario(worst), space.base)
    worst_check = trials.check(scenarios[0], settings.check)
    same = scenarios[0].digest == scenarios[1].digest
    nominal_check = worst_check if same else trials.check(space.base, settings.check)
    return Finding(
        space,
        settings,
        tried,
        find_boundary(plane, tried),
        worst,
        tuple(worst_check),
        tuple(nominal_check),
        tuple(trials.records),
        trials.impossible,
    )


def spread_points(count: int, dimensions: int, seed: int) -> np.ndarray:
    """(count, D) points, one in each of `count` equal slices of every parameter: a Latin hypercube
    (M. D. McKay, R. J. Beckman and W. J. Conover, Technometrics 21, 1979)."""
    rng = stream("adversary-spread", seed)
    slices = np.column_stack([rng.permutation(count) for _ in range(dimensions)])
    return (slices + rng.uniform(size=slices.shape)) / count


def worst_point(tried: Tried) -> np.ndarray:
    """(D,) the tried point with the highest badness, its neighbours and the mean considered: of
    many points with few rollouts each, the one that looks worst by itself was mostly unlucky."""
    return tried.units[int(np.argmax(smoothed(tried.units, tried.n, tried.badness)))]


def _climb(optimiser: Any, trials: Trials, shares: Shares, seed: int) -> None:
    """CMA-ES from the worst point so far; where it has converged, again from somewhere else."""
    rng = stream("adversary-cma", seed)
    starts = _starts(trials, rng)
    strategy = None
    for _ in range(shares.generations):
        if strategy is None or strategy.stop():
            strategy = optimiser.CMAEvolutionStrategy(
                next(starts),
                START_SPREAD,
                {
                    "bounds": [0.0, 1.0],
                    "popsize": shares.generation,
                    # Its random numbers are ours; NaN leaves the global generator alone.
                    "seed": math.nan,
                    "randn": lambda *shape: rng.standard_normal(shape),
                    "verbose": -10,
                    "verb_log": 0,
                    "verb_disp": 0,
                },
            )
        points = strategy.ask()
        strategy.tell(points, list(-trials.ask(np.clip(points, 0.0, 1.0))))


def _starts(trials: Trials, rng: np.random.Generator) -> Iterator[np.ndarray]:
    yield np.clip(worst_point(trials.tried()), 0.02, 0.98)
    while True:
        yield rng.uniform(size=len(trials.space.axes))


def _trace_boundary(trials: Trials, plane: Plane, points: int, each: int) -> None:
    for index in range(BOUNDARY_ROUNDS):
        count = points // BOUNDARY_ROUNDS + (index < points % BOUNDARY_ROUNDS)
        trials.ask(next_points(plane, trials.tried(), count, each))


def _load_optimiser() -> Any:
    try:
        import cma
    except ImportError:
        raise ConfigError(
            f"{WHERE}: found no package 'cma', expected CMA-ES to search with: "
            'pip install "loopyard[search]"'
        ) from None
    return cma
