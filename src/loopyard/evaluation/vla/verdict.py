"""Yes or no: does the policy look, listen and succeed? And the words for what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loopyard.evaluation.by_stratum import StratumResult
from loopyard.evaluation.gate import ALPHA
from loopyard.evaluation.statistics import Paired
from loopyard.evaluation.vla.baselines import LACKS


@dataclass(frozen=True)
class Beaten:
    """One baseline on the policy's own scenes, under both instructions. paired: the policy against
    it, by McNemar's exact test."""

    name: str
    result: StratumResult
    paired: Paired

    @property
    def beaten(self) -> bool:
        """The policy is better, beyond chance."""
        return self.paired.p_value < ALPHA and self.paired.wins > self.paired.losses

    def to_dict(self) -> dict[str, Any]:
        paired = {**self.paired.__dict__}
        return {**self.result.to_dict(), "paired": paired, "beaten": self.beaten}


@dataclass(frozen=True)
class ProofVerdict:
    """words: what it is called, such as ``deaf``; none where the answer is yes."""

    words: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def proven(self) -> bool:
        return not self.words


def judge_proof(
    success: StratumResult,
    swap: StratumResult,
    baselines: Mapping[str, Beaten],
    target: float,
) -> ProofVerdict:
    """Proven where success and the swap both reach the target and every baseline is beaten."""
    said = (
        ("under the target", "scenes as they come", success),
        ("disobedient", "the same scenes with the other instruction", swap),
    )
    words, reasons = [], []
    for word, name, found in said:
        text = f"{name}: {told(found)}, asked were {100 * target:g} %"
        if found.n == 0 or found.successes < target * found.n:
            words.append(word)
            reasons.append(f"{word}: {text}")
        else:
            reasons.append(text)
    for name, one in baselines.items():
        text = (
            f"{name}: {told(one.result)}; {one.paired.wins} drives won against it, "
            f"{one.paired.losses} lost (exact McNemar p = {one.paired.p_value:.2g})"
        )
        if not one.beaten:
            words.append(LACKS[name])
            text = f"{LACKS[name]}: no better than {text}"
        reasons.append(text)
    return ProofVerdict(tuple(words), tuple(reasons))


def told(found: StratumResult) -> str:
    """``187 of 200 (93.5 %, Wilson 95 % 89.2 to 96.2 %)``."""
    low, high = found.wilson_95
    rate = found.successes / found.n if found.n else 0.0
    return (
        f"{found.successes} of {found.n} ({100 * rate:.1f} %, "
        f"Wilson 95 % {100 * low:.1f} to {100 * high:.1f} %)"
    )
