"""Evaluation: the records of one suite and what they say together."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from loopyard.evaluation.by_mode import ModeResult, mode_result, results_by_mode
from loopyard.evaluation.by_stratum import results_by_stratum
from loopyard.evaluation.execution import LatencyModel
from loopyard.evaluation.metrics import VIOLATION_PREFIX, mean_metrics
from loopyard.evaluation.record import RolloutRecord, SceneKey
from loopyard.evaluation.statistics import wilson

BRICK_EVENTS = ("brick_held", "brick_delivered", "brick_dropped")
CONTACT_SUFFIX = "_contact"


@dataclass(frozen=True)
class Evaluation:
    """One policy on one set of scenes; records in the order of the scenes asked for.

    wall_s: elapsed time of this call; reused: records found on disk from an earlier one. latency:
    what each prediction took, in simulated ticks.
    """

    records: tuple[RolloutRecord, ...]
    policy: str = ""
    suite: str = ""
    wall_s: float = 0.0
    reused: int = 0
    latency: LatencyModel | None = None

    @property
    def n(self) -> int:
        return len(self.records)

    @property
    def successes(self) -> int:
        return sum(record.outcome.success for record in self.records)

    @property
    def success_rate(self) -> float:
        """0..1; 0.0 where nothing was driven, and `wilson_95` then says (0, 1)."""
        return self.successes / self.n if self.n else 0.0

    @property
    def wilson_95(self) -> tuple[float, float]:
        return wilson(self.successes, self.n)

    @property
    def by_seed(self) -> dict[int, bool]:
        """{seed: success}, as the gate compares two policies. Seeds of one scenario are unique,
        and so are those of a named suite; for other scenes, see `by_scene`."""
        return {record.seed: record.outcome.success for record in self.records}

    @property
    def by_scene(self) -> dict[SceneKey, bool]:
        """{(scenario digest, seed): success}, for scenes of several scenarios."""
        return {record.scene: record.outcome.success for record in self.records}

    @property
    def by_mode(self) -> dict[str, ModeResult]:
        """Results by failure mode; ``general`` for drives that have none."""
        return results_by_mode((record.scenario.mode, record.outcome) for record in self.records)

    def summary(self) -> dict[str, Any]:
        """Plain JSON: the rate with its interval, and what happened on the way.

        Bricks and contacts are there when the world counts such events; ``modes`` when scenes have
        failure modes, ``strata`` when the world tells them. Safety violations stand apart: a drive
        may be a success and unsafe.
        """
        if not self.records:
            return {
                "suite": self.suite,
                "policy": self.policy,
                "n": 0,
                "successes": 0,
                "rate": 0.0,
                "wilson_95": [0.0, 1.0],
            }
        outcomes = [record.outcome for record in self.records]
        scenario = self.records[0].scenario
        several = {record.scenario.digest for record in self.records}
        every = mode_result(outcomes)
        counts: Counter[str] = Counter()
        for outcome in outcomes:
            counts.update(outcome.counts)
        successful_s = [outcome.seconds for outcome in outcomes if outcome.success]
        return {
            "suite": self.suite,
            "policy": self.policy,
            **({} if self.latency is None else {"simulated_latency": asdict(self.latency)}),
            "world": scenario.world,
            "preset": scenario.preset,
            "params": scenario.params if len(several) == 1 else None,
            "scenarios": len(several),
            "n": self.n,
            "successes": self.successes,
            "rate": self.success_rate,
            "wilson_95": list(self.wilson_95),
            "seeds": [
                min(record.seed for record in self.records),
                max(record.seed for record in self.records),
            ],
            "progress_mean": fmean(outcome.progress for outcome in outcomes),
            "success_seconds_median": median(successful_s) if successful_s else None,
            "idle_share": fmean(outcome.idle_share for outcome in outcomes),
            "failures": dict(
                Counter(outcome.reason for outcome in outcomes if not outcome.success).most_common()
            ),
            "bricks": _bricks(counts, sum(outcome.seconds for outcome in outcomes)),
            "contacts": _contacts(counts),
            "violations": {"drives": every.violations, "events": every.events},
            "modes": self._modes(),
            "strata": {
                part: {value: found.to_dict() for value, found in values.items()}
                for part, values in results_by_stratum(self.records).items()
            },
            "counts": dict(sorted(counts.items())),
            "metrics": mean_metrics(record.metrics for record in self.records),
            "inference_p50_ms": median(record.inference_p50_ms for record in self.records),
            "inference_p99_ms": max(record.inference_p99_ms for record in self.records),
            "rollout_s_mean": fmean(record.wall_s for record in self.records),
            "wall_s": round(self.wall_s, 3),
            "reused": self.reused,
            "videos": [record.video for record in self.records if record.video],
        }

    def _modes(self) -> dict[str, Any]:
        if all(record.scenario.mode is None for record in self.records):
            return {}
        return {mode: result.to_dict() for mode, result in self.by_mode.items()}


def _contacts(counts: Counter[str]) -> dict[str, int]:
    return {
        name.removesuffix(CONTACT_SUFFIX): count
        for name, count in sorted(counts.items())
        if name.endswith(CONTACT_SUFFIX) and not name.startswith(VIOLATION_PREFIX)
    }


def _bricks(counts: Counter[str], driven_s: float) -> dict[str, Any] | None:
    """How many were held, delivered and dropped, and simulated seconds for each delivered."""
    if not any(event in counts for event in BRICK_EVENTS):
        return None
    delivered = counts["brick_delivered"]
    return {
        "held": counts["brick_held"],
        "delivered": delivered,
        "dropped": counts["brick_dropped"],
        "seconds_each": driven_s / delivered if delivered else None,
    }
