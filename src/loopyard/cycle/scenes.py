"""Which scenes a campaign drives: sampled to learn from, fixed to be chosen and judged on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loopyard.core.errors import ConfigError, expected
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import Split
from loopyard.cycle.config import Campaign, ScenarioSection
from loopyard.cycle.feedback import sampling_weights
from loopyard.evaluation.by_mode import ModeResult
from loopyard.scenarios.mode import FailureMode
from loopyard.scenarios.registry import Registry, open_registry
from loopyard.scenarios.sampling import Mix, sample
from loopyard.scenarios.suites import ALL_MODES, GENERAL, suite_scenes

CYCLE_STRIDE = 1000
"""Sampling seeds of one campaign's cycles lie this far apart from the next campaign's."""


def campaign_registry(campaign: Campaign) -> Registry:
    """The modes that a campaign begins with.

    Raises:
        ConfigError: a file of the user's own modes is wrong, or a weight is for none of them.
    """
    section = campaign.scenarios
    registry = open_registry(modes=section.modes if section else ())
    for name in section.weights if section else ():
        if not any(_names(name, mode) for mode in registry.modes):
            wanted = "a mode's id, or a word of its function, such as 'scoop'"
            raise ConfigError(expected("scenarios", "weights", name, wanted))
    return registry


def learning_scenarios(
    campaign: Campaign,
    registry: Registry,
    cycle: int,
    count: int,
    results: dict[str, ModeResult],
    general: Scenario | None = None,
) -> list[Scenario]:
    """The scenarios of ``count`` drives of a cycle, equal ones side by side.

    results: by mode, of the rollouts before this cycle; empty where there were none.
    general: the scenario that the others differ from; None for the campaign's own.
    """
    section, general = campaign.scenarios, general or campaign.scenario
    if section is None or count == 0:
        return [general] * count
    mix, weights = _shares(section, registry, campaign.world, results)
    weights = {id: weight * _asked(section, registry[id]) for id, weight in weights.items()}
    seed = campaign.seed * CYCLE_STRIDE + cycle
    different = min(count, section.variety)
    drawn = sample(registry, general, different, seed, mix, weights, distinct=False)
    return spread(drawn, count)


def spread(scenarios: Sequence[Scenario], count: int) -> list[Scenario]:
    """``count`` scenarios, each of these as often as any other to within one."""
    each, more = divmod(count, len(scenarios))
    return [
        scenario for index, scenario in enumerate(scenarios) for _ in range(each + (index < more))
    ]


def judging_scenes(
    campaign: Campaign, registry: Registry, n: int, split: Split
) -> list[tuple[Scenario, int]]:
    """About ``n`` scenes (scenario, seed) to choose or judge a checkpoint on.

    For all modes, ``n`` is rounded up to the same number for each of them; where the world has
    none, scenes are general.
    """
    section = campaign.scenarios
    name = section.suite if section else GENERAL
    if name == ALL_MODES:
        modes = len(registry.of_world(campaign.world))
        name, n = (name, math.ceil(n / modes)) if modes else (GENERAL, n)
    return list(suite_scenes(name, n, campaign.scenario, registry, split))


def _asked(section: ScenarioSection, mode: FailureMode) -> float:
    """How many times as often a mode shall be drawn, by ``weights``."""
    named = (weight for name, weight in section.weights.items() if _names(name, mode))
    return math.prod(named)


def _names(name: str, mode: FailureMode) -> bool:
    return name == mode.id or name in mode.function


def _shares(
    section: ScenarioSection, registry: Registry, world: str, results: dict[str, ModeResult]
) -> tuple[Mix, dict[str, float]]:
    """The mix and, by mode id, how often each is drawn within its tier."""
    if section.sampling == "prior":
        return section.mix, {mode.id: mode.sps for mode in registry.modes}
    alike = dict.fromkeys((mode.id for mode in registry.modes), 1.0)
    weights = sampling_weights(registry, results) if section.sampling == "feedback" else alike
    tiers = registry.tiers(world)
    heavy = {f"tier_{tier}": sum(weights[mode.id] for mode in tiers[tier]) for tier in tiers}
    rest = (1.0 - section.mix.general) / max(sum(heavy.values()), 1e-9)
    parts = {name: rest * weight for name, weight in heavy.items()}
    return Mix(general=1.0 - sum(parts.values()), **parts), weights
