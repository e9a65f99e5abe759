"""A verdict as a command's answer tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopyard.evaluation.gate import Verdict


def verdict_answer(verdict: Verdict) -> dict[str, Any]:
    """What the command's answer says of it, for machines."""
    answer: dict[str, Any] = {"verdict": verdict.verdict, "reason": verdict.reason}
    plain = verdict.to_dict()
    if verdict.paired is not None:
        answer["paired"] = plain["paired"]
    if verdict.n_max is not None:
        answer |= {
            "decided_after": verdict.n,
            "n_max": verdict.n_max,
            "anytime_95": plain["anytime_95"],
        }
    return answer
