"""Feedback: what a cycle's rollouts say about the failure modes, and what the next cycle samples.

The rule for occurrences. Let L be the lower end of the Wilson 95 % interval of a mode's failure
rate in this cycle's rollouts: as often as that it fails for sure. Its occurrence O (0..10) becomes

    O' = O + (10 - O) * L

so that a mode of which nothing failed, or too little was seen, stays where it was, and one that
always fails approaches 10. Priority and tier follow from it, and the registry keeps the history.

The rule for sampling. Within its tier a mode is drawn in proportion to

    SPS * (failures + 1) / (rollouts + 2)

the priority times the failure rate to be expected (the rule of succession, Laplace 1814): modes
that the policy has learned give way to those that it has not.
"""

from __future__ import annotations

from collections.abc import Mapping

from loopyard.evaluation.by_mode import ModeResult
from loopyard.evaluation.statistics import wilson
from loopyard.scenarios.registry import Registry

DECIMALS = 2


def learn(registry: Registry, results: Mapping[str, ModeResult], cycle: int) -> Registry:
    """The registry in which failing modes occur more often: see the module's rule."""
    for id, result in results.items():
        if id not in registry:
            continue
        surely = wilson(result.failures, result.n)[0]
        before = registry[id].occurrence
        after = round(before + (10.0 - before) * surely, DECIMALS)
        if after > before:
            why = f"{result.failures} of {result.n} rollouts failed, at least {surely:.0%}"
            registry = registry.with_occurrence(id, after, cycle=cycle, why=why)
    return registry


def sampling_weights(registry: Registry, results: Mapping[str, ModeResult]) -> dict[str, float]:
    """By mode id, how often it is drawn within its tier: see the module's rule."""
    unseen = ModeResult(0, 0, 0)
    weights = {}
    for mode in registry.modes:
        result = results.get(mode.id, unseen)
        weights[mode.id] = mode.sps * (result.failures + 1) / (result.n + 2)
    return weights
