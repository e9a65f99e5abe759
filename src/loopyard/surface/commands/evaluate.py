"""Let a policy drive on scenes it never saw, and count how often it succeeds.

With --suite gate the verdict follows: promote, reject or inconclusive; rejected ends with exit
code 1. With --out, what was driven is kept, and the same command again goes on from there.

Example: loopyard evaluate --policy runs/demo/best --n 200 --suite gate --out runs/demo/check
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """What drives, on which scenes, and where the evidence goes."""

    policy: str
    """a checkpoint folder, or a baseline: zero, random"""
    world: str = "yard"
    """a world's name, or package.module:ClassName of your own"""
    preset: str = "starter"
    """a named set of the world's parameters"""
    n: int = 100
    """scenes to drive"""
    suite: Literal["gate", "select", "train"] = "gate"
    """gate judges, select chooses among checkpoints, train was learned from"""
    first: int = 0
    """how many scenes of the suite to leave out before the first"""
    out: Path | None = None
    """folder for records, summary and videos"""
    videos: int = 0
    """films to make, failures and successes in turn; needs --out"""
    n_action_steps: int | None = None
    """actions of each chunk to execute; default: as the checkpoint says"""
    temporal_ensemble: float | None = None
    """predict at every tick and average, with this coefficient"""
    target: float = 0.95
    """success rate that the gate asks for"""
    floor: float = 0.90
    """what the interval's lower end must reach"""
    latency: bool = False
    """also time single predictions on one core"""
    workers: int = 0
    """processes; 0: one a core"""
    params: dict[str, str] = field(default_factory=dict)
    """the world's parameters, as name value pairs: --params bricks 3 room_m 8"""


def run(options: Options, console: Console) -> int:
    """Drives the suite; 1 where the gate rejects the policy."""
    from loopyard.core.machine import usable_cores
    from loopyard.core.values import yaml_values
    from loopyard.evaluation.evaluate import evaluate
    from loopyard.evaluation.gate import judge

    seeds = _seeds(options)
    params = yaml_values(options.params, "--params")
    with console.progress(len(seeds), "rollouts", "evaluate") as progress:
        successes = 0

        def on_result(record: Any) -> None:
            nonlocal successes
            successes += record.outcome.success
            progress.advance(1, note=f"{successes} succeeded")

        result = evaluate(
            options.policy,
            options.world,
            options.preset,
            seeds,
            params=params,
            out=options.out,
            workers=options.workers or usable_cores(),
            suite=options.suite,
            videos=options.videos,
            n_action_steps=options.n_action_steps,
            temporal_ensemble=options.temporal_ensemble,
            on_result=on_result,
        )
    answer: dict[str, Any] = result.summary()
    if options.latency:
        answer["latency"] = _latency(options, params)
    verdict = None
    if options.suite == "gate":
        verdict = judge(result.successes, result.n, target=options.target, floor=options.floor)
        answer |= {"verdict": verdict.verdict, "reason": verdict.reason}
    console.result(answer, _text(answer))
    return int(verdict is not None and verdict.verdict == "reject")


def _seeds(options: Options) -> range:
    from loopyard.core.errors import ConfigError, expected
    from loopyard.scenarios.suites import suite_seeds

    if not 0.0 < options.floor <= options.target <= 1.0:
        raise ConfigError(
            expected(
                "evaluate",
                "--floor, --target",
                (options.floor, options.target),
                "0 < floor <= target <= 1",
            )
        )
    return suite_seeds(options.suite, options.n, options.first)


def _latency(options: Options, params: dict[str, Any]) -> dict[str, Any]:
    from loopyard.core.scenario import Scenario
    from loopyard.evaluation.latency import measure_latency
    from loopyard.evaluation.worker import WorkerPlan, load_for, make_scenario_world

    scenario = Scenario(world=options.world, preset=options.preset, params=params)
    plan = WorkerPlan(
        options.policy, "", scenario, 1, options.n_action_steps, options.temporal_ensemble
    )
    world = make_scenario_world(scenario)
    try:
        obs, _ = world.reset(seed=_seeds(options)[0])
        policy = load_for(plan, int(world.action_space.shape[0]))
        return measure_latency(policy, obs).to_dict()
    finally:
        world.close()


def _text(answer: dict[str, Any]) -> str:
    low, high = answer["wilson_95"]
    lines = [
        f"{answer['successes']} of {answer['n']} scenes succeeded: {answer['rate']:.1%} "
        f"(Wilson 95 % {low:.1%} to {high:.1%})"
    ]
    if answer["failures"]:
        kinds = ", ".join(
            f"{count} {reason.replace('_', ' ')}" for reason, count in answer["failures"].items()
        )
        lines.append(f"failures: {kinds}")
    if answer["bricks"] and answer["bricks"]["seconds_each"] is not None:
        bricks = answer["bricks"]
        lines.append(
            f"bricks: {bricks['delivered']} delivered, {bricks['seconds_each']:.1f} s each"
        )
    if "latency" in answer:
        latency = answer["latency"]
        lines.append(
            f"a prediction takes {latency['p50_ms']:.1f} ms on one core, "
            f"{latency['p99_ms']:.1f} ms at the 99th percentile"
        )
    if "verdict" in answer:
        lines.append(f"verdict: {answer['verdict']}. {answer['reason']}")
    return "\n".join(lines)
