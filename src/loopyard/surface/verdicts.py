"""How `loopyard evaluate` comes to a verdict: at a fixed number of scenes, or once it is clear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from loopyard.core.scenario import Scenario
    from loopyard.evaluation.gate import Verdict
    from loopyard.evaluation.record import RolloutRecord
    from loopyard.evaluation.result import Evaluation


class Asked(Protocol):
    """What was asked for: see the options of `loopyard evaluate`."""

    @property
    def suite(self) -> str: ...
    @property
    def target(self) -> float: ...
    @property
    def floor(self) -> float: ...
    @property
    def against(self) -> str | None: ...
    @property
    def until_clear(self) -> bool: ...


def drive_and_judge(
    asked: Asked,
    policy: str,
    scenes: Sequence[tuple[Scenario, int]],
    settings: dict[str, Any],
    on_incumbent: Callable[[RolloutRecord], None],
) -> tuple[Evaluation, Verdict | None]:
    """The policy's drives and the verdict on them; None where nothing was asked to be judged.

    settings: of `loopyard.evaluation.evaluate.evaluate`, for the policy's own drives.

    Raises:
        ConfigError: a comparison, or a gate that stops early, on scenes to train or select on.
    """
    from loopyard.evaluation.evaluate import evaluate
    from loopyard.evaluation.gate import judge, require_gate_seeds

    seeds = [seed for _, seed in scenes]
    if asked.against is not None or asked.until_clear:
        require_gate_seeds(seeds, "evaluate")
    if asked.until_clear:
        return _until_clear(asked, policy, scenes, settings, on_incumbent)
    result = evaluate(policy, scenes=scenes, **settings)
    judged: dict[str, Any] = {"target": asked.target, "floor": asked.floor, "seeds": seeds}
    if asked.against is not None:
        beside = {name: settings[name] for name in ("out", "workers")}
        suite = f"{settings['suite']}-incumbent"
        incumbent = evaluate(
            asked.against, scenes=scenes, suite=suite, on_result=on_incumbent, **beside
        )
        judged |= {"candidate": result.by_scene, "incumbent": incumbent.by_scene}
    elif asked.suite != "gate":
        return result, None
    return result, judge(result.successes, result.n, **judged)


def _until_clear(
    asked: Asked,
    policy: str,
    scenes: Sequence[tuple[Scenario, int]],
    settings: dict[str, Any],
    on_incumbent: Callable[[RolloutRecord], None],
) -> tuple[Evaluation, Verdict]:
    from loopyard.evaluation.paired import ChallengerGate, PairedGate
    from loopyard.evaluation.sequential import SequentialGate
    from loopyard.evaluation.sequential_run import evaluate_until

    gate: Any = SequentialGate(len(scenes), asked.target, asked.floor)
    if asked.against is not None:
        gate = ChallengerGate(gate, PairedGate(len(scenes)))
    judged = evaluate_until(
        policy, scenes, gate, against=asked.against, on_incumbent=on_incumbent, **settings
    )
    return judged.result, judged.verdict


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
