"""Draws scenarios: so many general ones, so many of each tier, all different, all from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from loopyard.core.errors import ConfigError, LoopyardError, expected
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.scenarios.mode import TIERS, FailureMode, Recipe
from loopyard.scenarios.registry import Registry
from loopyard.scenarios.world_params import base_value, require_possible

TRIES = 60
"""Draws for one scenario before it is given up."""

LEAST_WIDTH = 0.5
"""A sampled scenario uses at least this share of its base's randomisation."""

DECIMALS, FINE_DECIMALS = 3, 6


class Mix(BaseModel):
    """What share of the scenarios is general, and what share falls to each tier.

    A share whose tier has no modes goes to the others, in their proportion.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    general: float = Field(default=0.35, ge=0.0, le=1.0)
    tier_1: float = Field(default=0.30, ge=0.0, le=1.0)
    tier_2: float = Field(default=0.25, ge=0.0, le=1.0)
    tier_3: float = Field(default=0.10, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _whole(self) -> Mix:
        total = self.general + self.tier_1 + self.tier_2 + self.tier_3
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"shares: found a sum of {total:g}, expected 1")
        return self

    def shares(self) -> tuple[float, ...]:
        """General first, then tier 1 to 3."""
        return self.general, self.tier_1, self.tier_2, self.tier_3


def sample(
    registry: Registry,
    base: Scenario,
    n: int,
    seed: int,
    mix: Mix | None = None,
    weights: Mapping[str, float] | None = None,
    *,
    distinct: bool = True,
) -> list[Scenario]:
    """``n`` scenarios about ``base``, all different, in an order that mixes them.

    The counts follow `mix` to the nearest scenario; within a tier, modes come in proportion to
    their priority, or to `weights` (by mode id; a mode without one keeps its priority). Each
    scenario is base, then what its mode's recipe says. So that no two are the same, each also
    differs as the registry's ``general`` recipe says (the yard: count of bricks, place of the box)
    or, where base has randomisation, in the width of its ranges.

    The same arguments give the same scenarios, on any machine.

    distinct: False lets a scenario come again where there are not enough different ones.

    Raises:
        ConfigError: fewer than one asked for, no mode for this world, a weight that is negative,
            or not enough different scenarios.
        WorldError: a mode's scenes have no room in the base's world.
    """
    if n < 1:
        raise ConfigError(expected("sample", "n", n, "1 or more scenarios"))
    tiers = registry.tiers(base.world)
    groups: list[Sequence[FailureMode | None]] = [(None,), *(tiers[tier] for tier in TIERS)]
    shares = zip((mix or Mix()).shares(), groups, strict=True)
    counts = _apportion(n, [share if group else 0.0 for share, group in shares])
    if sum(counts) != n:
        wanted = f"modes with a recipe for '{base.world}', or a mix with general scenes"
        raise ConfigError(expected("sample", "modes", 0, wanted))
    chosen = [
        mode
        for tier, (group, count) in enumerate(zip(groups, counts, strict=True))
        for mode in _pick(group, count, weights or {}, stream("sample-modes", seed, tier))
    ]
    order = stream("sample-order", seed).permutation(n)
    taken: set[str] = set()
    drawn = [
        _drawn(registry, base, mode, seed, index, taken, distinct=distinct)
        for index, mode in enumerate(chosen)
    ]
    return [drawn[index] for index in order]


def _apportion(n: int, shares: Sequence[float]) -> list[int]:
    """Whole counts in proportion to the shares: those with the largest remainders round up."""
    total = sum(shares)
    if total <= 0:
        return [0] * len(shares)
    exact = [n * share / total for share in shares]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: counts[i] - exact[i])
    for index in by_remainder[: n - sum(counts)]:
        counts[index] += 1
    return counts


def _pick(
    group: Sequence[FailureMode | None],
    count: int,
    weights: Mapping[str, float],
    rng: np.random.Generator,
) -> list[FailureMode | None]:
    """``count`` of the group, by systematic sampling: each comes as often as its weight says, to
    the nearest above or below (W. G. Madow, Annals of Mathematical Statistics 20, 1949)."""
    if count == 0:
        return []
    heavy = np.array([1.0 if mode is None else weights.get(mode.id, mode.sps) for mode in group])
    if not (np.isfinite(heavy).all() and (heavy >= 0).all()):
        raise ConfigError(expected("sample", "weights", heavy.tolist(), "numbers of 0 or more"))
    if heavy.sum() == 0:
        heavy[:] = 1.0
    edges = np.cumsum(heavy) / heavy.sum()
    points = (rng.uniform() + np.arange(count)) / count
    return [group[min(int(place), len(group) - 1)] for place in np.searchsorted(edges, points)]


def _drawn(
    registry: Registry,
    base: Scenario,
    mode: FailureMode | None,
    seed: int,
    index: int,
    taken: set[str],
    *,
    distinct: bool,
) -> Scenario:
    """A scenario that is possible, and that none before it equals if that can be."""
    name = mode.id if mode else "general"
    general = registry.general.get(base.world, Recipe())
    problem: LoopyardError | None = None
    again: Scenario | None = None
    for attempt in range(TRIES):
        rng = stream("sample", base.digest, seed, name, index, attempt)
        scenario = draw_scenario(base, mode, rng, general=general)
        if scenario.digest in taken:
            again = scenario
            continue
        try:
            require_possible(scenario, seed=attempt)
        except LoopyardError as error:
            problem = error
            continue
        taken.add(scenario.digest)
        return scenario
    if again is not None and not distinct:
        return again
    if problem is not None:
        raise type(problem)(f"{name}: {problem} ({TRIES} draws)")
    wanted = "more to draw from: general.vary, randomisation, or 'draw' in the mode's recipe"
    raise ConfigError(expected("sample", name, f"no other scenario in {TRIES} draws", wanted))


def draw_scenario(
    base: Scenario,
    mode: FailureMode | None,
    rng: np.random.Generator,
    *,
    general: Recipe | None = None,
) -> Scenario:
    """One scenario of a mode, or a general one where mode is None.

    general: how scenarios of this world differ besides; None: not at all. It gives way to the
    mode's recipe, and to randomisation, whose width is drawn instead.
    """
    params = dict(base.params)
    randomise = base.randomise
    if general is not None and randomise is not None:
        width = randomise.width * rng.uniform(LEAST_WIDTH, 1.0)
        randomise = randomise.model_copy(update={"width": round(width, FINE_DECIMALS)})
    elif general is not None:
        params |= _values(general, base, rng)
    if mode is None:
        return base.model_copy(update={"params": params, "randomise": randomise})
    recipe = mode.worlds[base.world]
    return base.model_copy(
        update={
            "params": params | _values(recipe, base, rng),
            "randomise": randomise,
            "mode": mode.id,
            "expected": mode.expected,
            "success": recipe.success or base.success,
        }
    )


def _values(recipe: Recipe, base: Scenario, rng: np.random.Generator) -> dict[str, Any]:
    values = dict(recipe.params)
    for name, (low, high) in recipe.draw.items():
        if isinstance(low, int) and isinstance(high, int):
            values[name] = int(rng.integers(low, high + 1))
        else:
            values[name] = round(float(rng.uniform(low, high)), DECIMALS)
    for name, several in recipe.choose.items():
        values[name] = several[int(rng.integers(len(several)))]
    for name, share in recipe.vary.items():
        values[name] = _varied(base, name, share, rng)
    return values


def _varied(base: Scenario, name: str, share: float, rng: np.random.Generator) -> int | float:
    own = base_value(base, name)
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise ConfigError(expected(f"vary.{name}", "value in the base scenario", own, "a number"))
    if isinstance(own, int):
        reach = round(own * share)
        return int(rng.integers(own - reach, own + reach + 1))
    return round(float(own * rng.uniform(1 - share, 1 + share)), FINE_DECIMALS)
