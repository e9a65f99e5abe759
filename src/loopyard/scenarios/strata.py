"""The strata of a world's scenes, each a scenario of its own."""

from __future__ import annotations

from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.worlds.registry import load_class


def strata_of_world(world: str) -> dict[str, dict[str, Any]]:
    """{name: parameters}; {} in a world without strata.

    A world of a user's own says it in a class attribute ``strata``.
    """
    if world == "corridor":
        from loopyard.worlds.corridor.strata import every_stratum

        return every_stratum()
    return dict(getattr(load_class(world, "world"), "strata", {})) if ":" in world else {}


def stratum_scenarios(base: Scenario) -> dict[str, Scenario]:
    """By name, the scenario of each stratum: the base, of that stratum alone."""
    return {
        name: base.model_copy(update={"params": {**base.params, **params}})
        for name, params in strata_of_world(base.world).items()
    }
