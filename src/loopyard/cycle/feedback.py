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

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from loopyard.core.outcome import Outcome
from loopyard.evaluation.statistics import wilson
from loopyard.scenarios.registry import Registry

GENERAL = "general"
VIOLATION = "violation_"
DECIMALS = 2


@dataclass(frozen=True)
class ModeResult:
    """How the drives of one mode went. violations: drives with a safety violation, successes
    among them too."""

    n: int
    successes: int
    violations: int

    @property
    def failures(self) -> int:
        return self.n - self.successes

    def to_dict(self) -> dict[str, Any]:
        low, high = wilson(self.successes, self.n)
        return {
            "n": self.n,
            "successes": self.successes,
            "rate": round(self.successes / self.n, 4) if self.n else None,
            "wilson_95": [round(low, 4), round(high, 4)],
            "violations": self.violations,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModeResult:
        return cls(data["n"], data["successes"], data["violations"])


def results_by_mode(drives: Iterable[tuple[str | None, Outcome]]) -> dict[str, ModeResult]:
    """The results of drives (mode id or None, outcome), by mode id or ``general``, sorted."""
    counts: dict[str, Counter[str]] = {}
    for mode, outcome in drives:
        count = counts.setdefault(mode or GENERAL, Counter())
        count["n"] += 1
        count["successes"] += outcome.success
        count["violations"] += any(name.startswith(VIOLATION) for name in outcome.counts)
    return {
        mode: ModeResult(count["n"], count["successes"], count["violations"])
        for mode, count in sorted(counts.items())
    }


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
