"""How drives of each stratum went: by every part that a world tells of its scenes, one at a time.

A world tells the strata of a scene at reset: ``info["drawn"]["strata"]``, for example
``{"side": "left", "distance": "far"}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.statistics import wilson


class StratumResult(NamedTuple):
    """Successes of n drives, with the Wilson 95 % interval."""

    successes: int
    n: int
    wilson_95: tuple[float, float]

    @classmethod
    def of(cls, successes: int, n: int) -> StratumResult:
        return cls(successes, n, wilson(successes, n))

    def to_dict(self) -> dict[str, Any]:
        low, high = self.wilson_95
        return {
            "n": self.n,
            "successes": self.successes,
            "rate": round(self.successes / self.n, 4) if self.n else None,
            "wilson_95": [round(low, 4), round(high, 4)],
        }


StratumResults = dict[str, dict[str, StratumResult]]
"""{part: {value: result}}."""


def strata_of(record: RolloutRecord) -> Mapping[str, str]:
    """{part: value} of the scene a record is of; {} in a world without strata."""
    told = record.drawn.get("strata")
    return {str(k): str(v) for k, v in told.items()} if isinstance(told, Mapping) else {}


def results_by_stratum(records: Iterable[RolloutRecord]) -> StratumResults:
    """The results of drives by each part of their strata; parts in the world's order, their values
    sorted. {} in a world without strata."""
    counts: dict[str, dict[str, list[bool]]] = {}
    for record in records:
        for part, value in strata_of(record).items():
            counts.setdefault(part, {}).setdefault(value, []).append(record.outcome.success)
    return {
        part: {
            value: StratumResult.of(sum(drives), len(drives))
            for value, drives in sorted(values.items())
        }
        for part, values in counts.items()
    }
