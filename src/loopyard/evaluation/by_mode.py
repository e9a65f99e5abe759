"""How drives went, failure mode by failure mode: successes, and apart from them what was unsafe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loopyard.core.outcome import Outcome
from loopyard.evaluation.metrics import VIOLATION_PREFIX
from loopyard.evaluation.statistics import wilson

GENERAL = "general"
"""Stands for drives whose scenario has no failure mode."""


@dataclass(frozen=True)
class ModeResult:
    """How the drives of one mode went.

    violations: drives with a safety violation, successes among them too. events: by kind of
    violation, how often it was counted in all of them.
    """

    n: int
    successes: int
    violations: int
    events: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def failures(self) -> int:
        return self.n - self.successes

    @property
    def rate(self) -> float | None:
        return self.successes / self.n if self.n else None

    @property
    def wilson_95(self) -> tuple[float, float]:
        return wilson(self.successes, self.n)

    def to_dict(self) -> dict[str, Any]:
        low, high = self.wilson_95
        return {
            "n": self.n,
            "successes": self.successes,
            "rate": None if self.rate is None else round(self.rate, 4),
            "wilson_95": [round(low, 4), round(high, 4)],
            "violations": self.violations,
            "events": self.events,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModeResult:
        return cls(data["n"], data["successes"], data["violations"], dict(data.get("events", {})))


def results_by_mode(drives: Iterable[tuple[str | None, Outcome]]) -> dict[str, ModeResult]:
    """The results of drives (mode id or None, outcome), by mode id or ``general``, sorted."""
    grouped: dict[str, list[Outcome]] = {}
    for mode, outcome in drives:
        grouped.setdefault(mode or GENERAL, []).append(outcome)
    return {mode: mode_result(grouped[mode]) for mode in sorted(grouped)}


def mode_result(outcomes: Iterable[Outcome]) -> ModeResult:
    """The result of some drives together."""
    several = list(outcomes)
    unsafe = [violations(outcome) for outcome in several]
    return ModeResult(
        n=len(several),
        successes=sum(outcome.success for outcome in several),
        violations=sum(map(bool, unsafe)),
        events=dict(sorted(sum(map(Counter, unsafe), Counter()).items())),
    )


def violations(outcome: Outcome) -> dict[str, int]:
    """How often each safety rule was broken, by its name: ``{"edge": 3}``."""
    return {
        name.removeprefix(VIOLATION_PREFIX): count
        for name, count in outcome.counts.items()
        if name.startswith(VIOLATION_PREFIX)
    }
