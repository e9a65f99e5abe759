"""The gate: promote, reject or inconclusive, by a rule written down before the numbers came.

With `target` (what was asked, 0.95) and `floor` (what must be certain, 0.90), and the Wilson 95 %
interval of the success rate on the gate's scenes:

    promote        rate >= target  and  lower end >= floor
    reject         upper end < target: the scenes driven rule out that the target is met
    inconclusive   anything else: more scenes would tell, and the reason says how many

Against an incumbent on the same scenes, promotion also needs evidence of being better: an exact
McNemar test with p < alpha and more wins than losses. Evidence of being worse rejects; a draw is
inconclusive and the incumbent stays. Scenes a gate was judged on are spent: judging again and
again on the same ones until one passes is choosing, which is what the select scenes are for. So a
gate refuses scenes of the train and select ranges.

This rule is for a number of scenes that was fixed before. To look on the way and stop when the
case is clear, see `loopyard.evaluation.sequential` and `loopyard.evaluation.paired`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from loopyard.core.errors import ConfigError, expected
from loopyard.core.seeds import SEED_RANGES, split_of
from loopyard.evaluation.statistics import Paired, compare, wilson

Decision = Literal["promote", "reject", "inconclusive"]

TARGET = 0.95
FLOOR = 0.90
ALPHA = 0.05
MAX_SCENES = 100_000


@dataclass(frozen=True)
class Verdict:
    """The decision, the numbers it rests on, and the reason in one sentence.

    n: scenes the decision rests on. target, floor: None where only two policies were compared.
    n_max: of a sequential gate, the scenes after which it would have decided at the latest.
    anytime_95: of a sequential gate, the interval that holds wherever it stopped
    (`loopyard.evaluation.statistics.confidence_sequence`); wilson_95 is nominal there.
    """

    verdict: Decision
    reason: str
    n: int
    successes: int
    rate: float
    wilson_95: tuple[float, float]
    target: float | None
    floor: float | None
    paired: Paired | None = None
    n_max: int | None = None
    anytime_95: tuple[float, float] | None = None

    @property
    def promoted(self) -> bool:
        return self.verdict == "promote"

    @property
    def early(self) -> bool:
        """It was decided before the last scene."""
        return self.n_max is not None and self.n < self.n_max

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        anytime = None if self.anytime_95 is None else list(self.anytime_95)
        return {**asdict(self), "wilson_95": list(self.wilson_95), "anytime_95": anytime}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """Inverse of `to_dict`. Raises KeyError or TypeError on anything else."""
        paired, anytime = data["paired"], data["anytime_95"]
        low, high = data["wilson_95"]
        return cls(
            **{
                **data,
                "wilson_95": (low, high),
                "paired": None if paired is None else Paired(**paired),
                "anytime_95": None if anytime is None else (anytime[0], anytime[1]),
            }
        )


def require_gate_seeds(seeds: Iterable[int], where: str = "gate") -> None:
    """Refuses to judge on scenes that were there to learn from or to choose on.

    Raises:
        ConfigError: a seed of the train or select range; names it.
    """
    for seed in seeds:
        if split_of(seed) in ("train", "select"):
            own = SEED_RANGES["gate"]
            raise ConfigError(
                expected(
                    where,
                    "seed",
                    f"{seed} of the {split_of(seed)} range",
                    f"scenes to judge on, with seeds from {own[0]} to {own[-1]}: what was learned "
                    "from or chosen on says nothing of new scenes",
                )
            )


def judge(
    successes: int,
    n: int,
    *,
    target: float = TARGET,
    floor: float = FLOOR,
    candidate: Mapping[Any, bool] | None = None,
    incumbent: Mapping[Any, bool] | None = None,
    alpha: float = ALPHA,
    seeds: Iterable[int] = (),
) -> Verdict:
    """Decides by the rule at the head of this file.

    candidate, incumbent: {seed or (scenario digest, seed): success} of both policies, where there
    is an incumbent. seeds: of the scenes, to be refused where they are none to judge on; those of
    candidate and incumbent are looked at in any case.

    Raises:
        ConfigError: a scene of the train or select range.
        ValueError: not 0 < floor <= target <= 1, successes not within 0..n, or an incumbent
            without the candidate's own results.
    """
    if not 0.0 < floor <= target <= 1.0:
        raise ValueError(
            f"floor, target: found {floor}, {target}, expected 0 < floor <= target <= 1"
        )
    if incumbent is not None and candidate is None:
        raise ValueError("candidate: found None, expected its results beside the incumbent's")
    require_gate_seeds(seeds)
    for results in (candidate, incumbent):
        require_gate_seeds(map(_seed, results or ()))
    low, high = wilson(successes, n)
    decision, reason = _absolute(successes, n, low, high, target, floor)
    paired = None
    if candidate is not None and incumbent is not None:
        paired = compare(candidate, incumbent)
        decision, reason = _against(paired, decision, reason, alpha)
    rate = successes / n if n else 0.0
    return Verdict(decision, reason, n, successes, rate, (low, high), target, floor, paired)


def _seed(scene: Any) -> int:
    """Of a seed itself, or of a scene's name (scenario digest, seed)."""
    return int(scene[-1] if isinstance(scene, tuple) else scene)


def _absolute(
    successes: int, n: int, low: float, high: float, target: float, floor: float
) -> tuple[Decision, str]:
    if n == 0:
        return "inconclusive", "no scene was driven"
    rate = successes / n
    found = f"{successes} of {n} scenes ({rate:.1%}, Wilson 95 % {low:.1%} to {high:.1%})"
    if high < target:
        return "reject", f"{found}: the target of {target:.1%} is above the whole interval"
    if rate >= target and low >= floor:
        return "promote", (
            f"{found}: the target of {target:.1%} is reached and the interval is "
            f"above the floor of {floor:.1%}"
        )
    if rate >= target:
        needed = scenes_needed(rate, floor)
        return "inconclusive", (
            f"{found}: the interval reaches below the floor of {floor:.1%}; at "
            f"this rate {needed} scenes would settle it"
        )
    return "inconclusive", f"{found}: below the target of {target:.1%}, still in the interval"


def _against(paired: Paired, decision: Decision, reason: str, alpha: float) -> tuple[Decision, str]:
    against = (
        f"against the incumbent on {paired.n} shared scenes: {paired.wins} won, "
        f"{paired.losses} lost (exact McNemar p = {paired.p_value:.3g})"
    )
    certain = paired.p_value < alpha
    if certain and paired.losses > paired.wins:
        return "reject", f"{against}; {reason}"
    if decision == "promote" and not (certain and paired.wins > paired.losses):
        return "inconclusive", (
            f"{against}: no evidence that it is better, the incumbent stays; {reason}"
        )
    return decision, f"{reason}; {against}"


def scenes_needed(rate: float, floor: float) -> int:
    """Scenes at which this success rate would lift the Wilson lower end to the floor."""
    if rate <= floor:
        return MAX_SCENES
    n = 10
    while n < MAX_SCENES and wilson(int(rate * n), n)[0] < floor:
        n += 10
    return n
