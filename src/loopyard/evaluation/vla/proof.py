"""The whole proof of one checkpoint: what was asked, and everything that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.machine import describe_machine
from loopyard.core.scenario import Scenario
from loopyard.evaluation.by_stratum import StratumResult, results_by_stratum
from loopyard.evaluation.offline.training_curve import TrainingCurve
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.vla.verdict import Beaten, ProofVerdict
from loopyard.worlds.world import ValidationCase

Scene = tuple[Scenario, int]


@dataclass(frozen=True)
class Asked:
    """What to prove, on what. scenes: to judge on, (scenario, seed). target: of success and of the
    swap. validation_n: scenes of each case of validation."""

    checkpoint: Path
    scenes: Sequence[Scene]
    out: Path
    target: float
    validation_n: int = 60
    workers: int | None = None

    @property
    def rollouts(self) -> Path:
        return self.out / "rollouts"


@dataclass(frozen=True)
class Validated:
    """One case of the four steps. n scenes driven, the first of those judged on."""

    case: ValidationCase
    result: StratumResult
    failures: dict[str, int]


@dataclass(frozen=True)
class Proof:
    """Everything that was found. records: of the scenes as they come; swapped: of the same scenes
    with the other instruction, in the same order. pairs: scenes in which both were obeyed."""

    asked: Asked
    checkpoint: Path
    steps: int
    records: tuple[RolloutRecord, ...]
    swapped: tuple[RolloutRecord, ...]
    baselines: dict[str, Beaten]
    validation: tuple[Validated, ...]
    latency: dict[str, Any]
    data: dict[str, Any]
    curve: TrainingCurve | None
    verdict: ProofVerdict
    seconds: dict[str, float]

    @property
    def success(self) -> StratumResult:
        return rate_of(self.records)

    @property
    def swap(self) -> StratumResult:
        return rate_of(self.swapped)

    @property
    def pairs(self) -> StratumResult:
        both = zip(self.records, self.swapped, strict=True)
        obeyed = sum(a.outcome.success and b.outcome.success for a, b in both)
        return StratumResult.of(obeyed, len(self.records))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        strata = results_by_stratum(self.records)
        return {
            "answer": "yes" if self.verdict.proven else "no",
            "words": list(self.verdict.words),
            "reasons": list(self.verdict.reasons),
            "checkpoint": str(self.checkpoint),
            "world": self.asked.scenes[0][0].world,
            "target": self.asked.target,
            "success": {
                **self.success.to_dict(),
                "failures": failures_of(self.records),
                "strata": {
                    part: {name: found.to_dict() for name, found in values.items()}
                    for part, values in strata.items()
                },
            },
            "swap": {
                **self.swap.to_dict(),
                "failures": failures_of(self.swapped),
                "both": self.pairs.to_dict(),
            },
            "baselines": {name: one.to_dict() for name, one in self.baselines.items()},
            "trained_steps": self.steps,
            "validation": [
                {
                    "step": one.case.step,
                    "name": one.case.name,
                    "about": one.case.about,
                    **one.result.to_dict(),
                    "failures": one.failures,
                }
                for one in self.validation
            ],
            "latency": self.latency,
            "data": self.data,
            "training": None if self.curve is None else self.curve.to_dict(),
            "seconds": self.seconds,
            "machine": describe_machine(),
        }


def rate_of(records: Sequence[RolloutRecord]) -> StratumResult:
    return StratumResult.of(sum(record.outcome.success for record in records), len(records))


def failures_of(records: Sequence[RolloutRecord]) -> dict[str, int]:
    """{why: drives}, the most frequent first."""
    why = [record.outcome.reason for record in records if not record.outcome.success]
    return {name: why.count(name) for name in sorted(set(why), key=lambda one: -why.count(one))}
