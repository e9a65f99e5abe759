"""Driving to a verdict: at a fixed number of scenes or until it is clear, against none or one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.gate import ALPHA, FLOOR, TARGET, Verdict, judge, require_gate_seeds
from loopyard.evaluation.paired import ChallengerGate, PairedGate
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation
from loopyard.evaluation.sequential import SequentialGate
from loopyard.evaluation.sequential_run import INCUMBENT, Gate, evaluate_until
from loopyard.policies.policy import Policy


@dataclass(frozen=True)
class Question:
    """What is asked of a policy.

    until_clear: stop at the first scene at which the verdict is clear. against: an incumbent to be
    better than on the same scenes. alpha: of a gate that stops early, the most that the chance of
    a false promotion may be.
    """

    target: float = TARGET
    floor: float = FLOOR
    until_clear: bool = False
    against: str | Path | None = None
    alpha: float = ALPHA


def drive_and_judge(
    question: Question,
    policy: Policy | str,
    scenes: Sequence[tuple[Scenario, int]],
    settings: dict[str, Any],
    on_incumbent: Callable[[RolloutRecord], None] | None = None,
) -> tuple[Evaluation, Verdict]:
    """The policy's drives and the verdict on them.

    settings: of `loopyard.evaluation.evaluate.evaluate`, for the policy's own drives.

    Raises:
        ConfigError: scenes to train or select on.
        CheckpointError, WorldError, Interrupted: as `evaluate`.
    """
    seeds = [seed for _, seed in scenes]
    require_gate_seeds(seeds)
    against = question.against
    if question.until_clear:
        gate = _gate(question, len(scenes))
        judged = evaluate_until(
            policy, scenes, gate, against=against, on_incumbent=on_incumbent, **settings
        )
        return judged.result, judged.verdict
    result = evaluate(policy, scenes=scenes, **settings)
    sides: dict[str, Any] = {}
    if against is not None:
        shared = ("out", "workers", "executor")
        beside: dict[str, Any] = {name: settings.get(name) for name in shared}
        suite = f"{settings['suite']}-{INCUMBENT}"
        incumbent = evaluate(against, scenes=scenes, suite=suite, on_result=on_incumbent, **beside)
        sides = {"candidate": result.by_scene, "incumbent": incumbent.by_scene}
    return result, judge(
        result.successes,
        result.n,
        target=question.target,
        floor=question.floor,
        seeds=seeds,
        **sides,
    )


def _gate(question: Question, n: int) -> Gate:
    absolute = SequentialGate(n, question.target, question.floor, alpha=question.alpha)
    if question.against is None:
        return absolute
    return ChallengerGate(absolute, PairedGate(n, alpha=question.alpha))
