"""Suites: which scenes a policy learns from, is chosen on, and is judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from loopyard.core.errors import ConfigError, WorldError, expected
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import SEED_RANGES, Split, stream
from loopyard.scenarios.mode import FailureMode
from loopyard.scenarios.registry import Registry
from loopyard.scenarios.sampling import TRIES, draw_scenario
from loopyard.scenarios.strata import stratum_scenarios
from loopyard.scenarios.world_params import base_value, require_possible

GENERAL, ALL_MODES, ALL_STRATA, FIXED_10 = "general", "all-modes", "all-strata", "fixed10"
NAMED = (FIXED_10, GENERAL, ALL_MODES, ALL_STRATA)

SCENARIOS_A_MODE = 5
"""A suite has at most this many scenarios of one mode, because each is a model of its own."""

LETTERS, NUMBERS = 26, 30
MODES_FROM = 0.22
"""The seeds of modes begin at this share of a split's range; each id has a stretch of its own."""


class SuiteScene(NamedTuple):
    """One scene of a suite."""

    scenario: Scenario
    seed: int


def suite_seeds(suite: Split, n: int, first: int = 0) -> range:
    """The seeds of a suite's scenes number ``first`` to ``first + n - 1``.

    Raises:
        ConfigError: less than one scene, or some that the suite does not have.
    """
    whole = SEED_RANGES[suite]
    if n < 1 or first < 0 or first + n > len(whole):
        raise ConfigError(
            expected(
                f"suite {suite}", "first, n", (first, n), f"1 or more of its {len(whole)} scenes"
            )
        )
    return whole[first : first + n]


def suite_scenes(
    name: str, n: int, base: Scenario, registry: Registry, split: Split = "gate"
) -> list[SuiteScene]:
    """The scenes of a suite, equal scenarios side by side.

    name: ``general`` (`n` scenes of `base` itself), a mode's id (`n` scenes), ``all-modes`` (`n`
    scenes of every mode that this world can be set up for), a stratum's name (`n` scenes),
    ``all-strata`` (`n` scenes of every one), or ``fixed10`` (the ten scenes of `fixed_ten`,
    whatever `n` says). A mode's scenes depend on base, mode and split alone, not on what else the
    registry holds. Splits never share a seed.

    Raises:
        ConfigError: no such suite, too few or too many scenes, or a mode without this world.
        WorldError: the mode's scenes have no room in this world.
    """
    if name == GENERAL:
        return [SuiteScene(base, seed) for seed in suite_seeds(split, n)]
    if name == FIXED_10:
        return fixed_ten(base, split)
    if name == ALL_MODES:
        modes = registry.of_world(base.world)
        if not modes:
            wanted = f"at least one with a recipe for '{base.world}'"
            raise ConfigError(expected(f"suite {name}", "modes", 0, wanted))
        return [scene for mode in modes for scene in _mode_scenes(mode, n, base, split)]
    strata = stratum_scenarios(base)
    if name == ALL_STRATA and strata:
        seeds = suite_seeds(split, n)
        return [SuiteScene(scenario, seed) for scenario in strata.values() for seed in seeds]
    if name in strata:
        return [SuiteScene(strata[name], seed) for seed in suite_seeds(split, n)]
    if name not in registry:
        known = [*NAMED, *strata, *(mode.id for mode in registry.modes)]
        near = get_close_matches(name, known, n=1)
        wanted = f"{', '.join(NAMED)}, a stratum of this world or a mode's id"
        wanted += f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(expected("suite", "name", name, wanted))
    return _mode_scenes(registry[name], n, base, split)


def mode_seeds(id: str, split: Split) -> range:
    """The stretch of a split's seeds that belongs to one mode.

    Ids of one letter and a number from 1 to 30 never share a seed; FM-A31 begins anew with FM-A01.
    """
    whole = SEED_RANGES[split]
    first = round(MODES_FROM * len(whole))
    length = (len(whole) - first) // (LETTERS * NUMBERS)
    place = (ord(id[3]) - ord("A")) * NUMBERS + (int(id[4:]) - 1) % NUMBERS
    return whole[first + place * length : first + (place + 1) * length]


def _mode_scenes(mode: FailureMode, n: int, base: Scenario, split: Split) -> list[SuiteScene]:
    seeds = mode_seeds(mode.id, split)
    if not 1 <= n <= len(seeds):
        wanted = f"1 to {len(seeds)} scenes a mode in the {split} split"
        raise ConfigError(expected(f"suite {mode.id}", "n", n, wanted))
    if base.world not in mode.worlds:
        wanted = f"one with a recipe for '{base.world}'"
        raise ConfigError(expected(f"suite {mode.id}", "mode", sorted(mode.worlds), wanted))
    drawn = [
        draw_scenario(base, mode, stream("suite", base.digest, mode.id, split, index))
        for index in range(min(n, SCENARIOS_A_MODE))
    ]
    scenarios = list({scenario.digest: scenario for scenario in drawn}.values())
    left = iter(seeds)
    scenes: list[SuiteScene] = []
    for index, scenario in enumerate(scenarios):
        share = n // len(scenarios) + (index < n % len(scenarios))
        scenes += _possible(scenario, left, share)
    return scenes


def _possible(scenario: Scenario, seeds: Iterator[int], n: int) -> list[SuiteScene]:
    """The first ``n`` of the seeds that give a scene; those without room for it are passed over,
    but not more than TRIES of them in a row."""
    scenes: list[SuiteScene] = []
    problem: WorldError | None = None
    missed = 0
    while len(scenes) < n:
        seed = next(seeds, None) if missed < TRIES else None
        if seed is None:
            found = f"{len(scenes)} of {n} scenes possible"
            raise WorldError(f"suite {scenario.mode}: {found}: {problem}")
        try:
            require_possible(scenario, seed)
        except WorldError as error:
            problem, missed = error, missed + 1
        else:
            missed = 0
            scenes.append(SuiteScene(scenario, seed))
    return scenes


TEN: tuple[dict[str, Any], ...] = (
    {"bricks": 10},
    {"bricks": 15},
    {"bricks": 20},
    {"bricks": 25},
    {"bricks": 30},
    {"bricks": 10, "brick_places": "clustered"},
    {"bricks": 10, "brick_places": "spread"},
    {"bricks": 10, "brick_places": "hidden", "furniture": 2},
    {"bricks": 15, "brick_sizes": "mixed_large"},
    {"bricks": 30, "brick_sizes": "mixed_tiny"},
)
"""The predecessor's ten: five general, three of the long tail (clustered, spread, beside
furniture), two compound (mixed sizes; many bricks of mixed sizes)."""

SECONDS_A_BRICK = 12.0
"""The predecessor's 120 s for ten bricks."""

TEN_ROOM_M = 8.0
"""The ten need a room at least this large."""


def fixed_ten(base: Scenario, split: Split = "gate") -> list[SuiteScene]:
    """The predecessor's ten scenes in the yard of `base`: the same in every cycle.

    The time limit is 12 s a brick, as its evaluation gave ten bricks; the bucket holds 4, as its
    loader's did; a room of less than 8 m becomes one of 8 m. They are the last ten seeds of the
    split.

    Raises:
        ConfigError: another world than the yard.
        WorldError: something has no free place in one of them.
    """
    if base.world != "yard":
        raise ConfigError(expected(f"suite {FIXED_10}", "world", base.world, "yard"))
    seeds: Sequence[int] = SEED_RANGES[split][-len(TEN) :]
    room = {"room_m": max(TEN_ROOM_M, base_value(base, "room_m"))}
    scenes = []
    for own, seed in zip(TEN, seeds, strict=True):
        limits = {"bucket_capacity": 4, "time_limit_s": SECONDS_A_BRICK * own["bricks"]}
        scenario = base.model_copy(update={"params": {**base.params, **room, **limits, **own}})
        require_possible(scenario, seed)
        scenes.append(SuiteScene(scenario, seed))
    return scenes
