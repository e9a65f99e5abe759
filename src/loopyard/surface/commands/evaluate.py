"""Let a policy drive on scenes it never saw, and count how often it succeeds.

With --suite gate the verdict follows: promote, reject or inconclusive; rejected ends with exit
code 1. --against compares with an incumbent on the same scenes, and --until-clear stops as soon as
the verdict is clear; with either, anything but promote ends with exit code 1. With --suite
all-modes, success is told for each failure mode, and safety violations beside it. With --out, what
was driven is kept, and the same command again goes on from there.

With --vla, a policy that reads is proven in the world it was trained in: told one thing and told
the other on the same scenes, against baselines that cannot see or read and are trained here on the
same data, and on four steps of validation. A page of it lies in --out; where the answer is no, it
ends with exit code 1.

With --offline nothing is driven: checkpoints are measured on recorded episodes that they were not
trained on, and where rollouts of them are found, each metric is held against their success.

Example: loopyard evaluate --policy runs/demo/best --n 200 --suite gate --out runs/demo/check
Example: loopyard evaluate --policy runs/new/best --against runs/demo/best --n 200 --until-clear
Example: loopyard evaluate --policy expert --preset mid --suite all-modes --n 20 --out runs/expert
Example: loopyard evaluate --policy runs/demo/best --n 100 --delay-ms 150 --asynchronous
Example: loopyard evaluate runs/demo/cycles/03/checkpoints/last --offline data/starter --out offline
Example: loopyard evaluate --vla runs/demo-vla/best --n 200 --target 0.9
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from loopyard.executors.registry import ExecutorName
from loopyard.surface.console import Console
from loopyard.surface.scenario_options import BaseOptions

if TYPE_CHECKING:
    from loopyard.core.scenario import Scenario
    from loopyard.evaluation.gate import Verdict
    from loopyard.evaluation.record import RolloutRecord
    from loopyard.evaluation.result import Evaluation

Split = Literal["gate", "select", "train"]
SPLITS: tuple[Split, ...] = ("gate", "select", "train")


@dataclass(frozen=True, kw_only=True)
class Options(BaseOptions):
    """What drives, on which scenes, and where the evidence goes."""

    checkpoints: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """checkpoint folders for --offline; without it, one is a policy to drive"""
    policy: str = ""
    """a checkpoint folder, or a baseline: zero, random, expert"""
    preset: str = "starter"
    """a named set of the world's parameters"""
    n: int = 100
    """scenes to drive; of each mode with --suite all-modes, of each stratum with all-strata"""
    suite: str = "gate"
    """gate judges, select chooses among checkpoints, train was learned from: scenes of the base
    itself; or all-modes, a mode's id such as FM-A01, all-strata, a stratum's name (loopyard
    scenarios list --world corridor), fixed10, or a file of scenes (.jsonl)"""
    split: Split = "gate"
    """whose seeds a suite of failure modes takes"""
    first: int = 0
    """how many scenes of gate, select or train to leave out before the first"""
    out: Path | None = None
    """folder for records, summary and videos"""
    videos: int = 0
    """films to make, failures and successes in turn; needs --out"""
    n_action_steps: int | None = None
    """actions of each chunk to execute; default: as the checkpoint says"""
    temporal_ensemble: float | None = None
    """predict at every tick and average, with this coefficient"""
    expert: str | None = None
    """package.module:ClassName for --policy expert, where it is not the world's own"""
    target: float = 0.95
    """success rate that the gate asks for"""
    floor: float = 0.90
    """what the interval's lower end must reach"""
    against: str | None = None
    """an incumbent to be better than on the same scenes: a checkpoint folder or a baseline"""
    until_clear: bool = False
    """stop as soon as the verdict is clear, at --n scenes at the latest"""
    latency: bool = False
    """also time each tick from picture to action: its percentiles, and how many come late"""
    delay_ms: float | None = None
    """as if each prediction took so long, in whole ticks; the robot waits with its last action"""
    asynchronous: bool = False
    """with --delay-ms: it goes on along its chunk while the next one is predicted"""
    workers: int = 0
    """processes; 0: one a core"""
    executor: ExecutorName = "local"
    """where they run: local, or ray with the machines of a cluster, which must all see --out"""
    ray_address: str | None = None
    """host:port of the cluster's head; default: what RAY_ADDRESS says, else this machine alone"""
    vla: bool = False
    """prove that the checkpoint sees, reads and does as it is told; of the options below it takes
    --n, --target, --out, --workers, --params and --randomise"""
    offline: Path | None = None
    """dataset to measure the checkpoints on, without driving"""
    rollouts: tuple[Path, ...] = ()
    """with --offline: folders that evaluate --out wrote; a run folder's own are found"""
    frames: int = 5000
    """with --offline: whole episodes, evenly taken, until there are so many frames"""
    tolerance: float = 0.1
    """with --offline: an error up to this counts as right"""
    seen: bool = False
    """with --offline: take episodes that a checkpoint was trained on as well"""


def run(options: Options, console: Console) -> int:
    """Drives the suite; 1 where the gate rejects the policy, or does not promote a challenger."""
    if options.offline is not None:
        return _run_offline(options, options.offline, console)
    if options.vla:
        return _run_proof(options, console)
    return _run_rollouts(replace(options, policy=_policy(options)), console)


def _run_rollouts(options: Options, console: Console) -> int:
    from loopyard.executors.registry import make_executor
    from loopyard.surface.latency import asked_latency
    from loopyard.surface.verdicts import verdict_answer

    scenes = _scenes(options)
    drives = len(scenes) * (2 if options.against else 1)
    with console.progress(drives, "rollouts", "evaluate") as progress:
        successes = 0

        def on_result(record: Any) -> None:
            nonlocal successes
            successes += record.outcome.success
            progress.advance(1, note=f"{successes} succeeded")

        settings = {
            "expert": options.expert,
            "out": options.out,
            "executor": make_executor(
                options.executor,
                options.workers,
                ray_address=options.ray_address,
                shared=options.out,
            ),
            "suite": _label(options),
            "videos": options.videos,
            "n_action_steps": options.n_action_steps,
            "temporal_ensemble": options.temporal_ensemble,
            "latency": asked_latency(
                options.delay_ms, scenes[0][0], asynchronous=options.asynchronous
            ),
            "on_result": on_result,
        }
        result, verdict = _drive(options, scenes, settings, lambda _: progress.advance(1))
    answer: dict[str, Any] = result.summary()
    if options.latency:
        answer["latency"] = _latency(options, scenes)
    if verdict is not None:
        answer |= verdict_answer(verdict)
    console.result(answer, _text(answer))
    if verdict is None or verdict.promoted:
        return 0
    strict = options.until_clear or options.against is not None
    return int(strict or verdict.verdict == "reject")


def _run_proof(options: Options, console: Console) -> int:
    from loopyard.surface.vla_proof import run_proof

    return run_proof(
        Path(_policy(options)),
        options,
        console,
        n=options.n,
        target=options.target,
        out=options.out,
        workers=options.workers,
    )


def _run_offline(options: Options, dataset: Path, console: Console) -> int:
    from loopyard.core.errors import ConfigError, expected
    from loopyard.evaluation.offline.evaluate import evaluate_offline
    from loopyard.surface.offline import offline_text, write_offline

    checkpoints = [*options.checkpoints, *([options.policy] if options.policy else [])]
    if not checkpoints or options.frames < 1:
        found = (checkpoints, options.frames)
        wanted = "at least one checkpoint and one frame"
        raise ConfigError(expected("evaluate", "checkpoints, --frames", found, wanted))
    with console.progress(None, "episodes", "evaluate") as progress:
        result = evaluate_offline(
            checkpoints,
            dataset,
            frames=options.frames,
            tolerance=options.tolerance,
            rollouts=options.rollouts,
            seen=options.seen,
            on_episode=progress.advance,
        )
    answer = result.to_dict()
    text = offline_text(answer, result)
    if options.out is not None:
        answer["files"] = write_offline(result, options.out)
        text += f"\nwritten: {', '.join(answer['files'])}"
    console.result(answer, text)
    return 0


def _policy(options: Options) -> str:
    from loopyard.core.errors import ConfigError, expected

    given = [*options.checkpoints, *([options.policy] if options.policy else [])]
    if len(given) != 1:
        wanted = "one checkpoint folder or baseline; --offline compares several"
        raise ConfigError(expected("evaluate", "--policy", given or "nothing", wanted))
    return given[0]


def _drive(
    options: Options,
    scenes: list[tuple[Scenario, int]],
    settings: dict[str, Any],
    on_incumbent: Callable[[RolloutRecord], None],
) -> tuple[Evaluation, Verdict | None]:
    """No verdict where nothing was asked to be judged."""
    from loopyard.evaluation.evaluate import evaluate
    from loopyard.evaluation.judging import Question, drive_and_judge

    if options.suite != "gate" and options.against is None and not options.until_clear:
        return evaluate(options.policy, scenes=scenes, **settings), None
    asked = Question(options.target, options.floor, options.until_clear, options.against)
    return drive_and_judge(asked, options.policy, scenes, settings, on_incumbent)


def _scenes(options: Options) -> list[tuple[Scenario, int]]:
    from loopyard.core.errors import ConfigError, expected
    from loopyard.scenarios.scene_file import read_scenes
    from loopyard.scenarios.suites import suite_scenes, suite_seeds

    if not 0.0 < options.floor <= options.target <= 1.0:
        raise ConfigError(
            expected(
                "evaluate",
                "--floor, --target",
                (options.floor, options.target),
                "0 < floor <= target <= 1",
            )
        )
    if options.suite.endswith(".jsonl"):
        return list(read_scenes(Path(options.suite)))
    base = options.base()
    for split in SPLITS:
        if options.suite == split:
            return [(base, seed) for seed in suite_seeds(split, options.n, options.first)]
    if options.first:
        raise ConfigError(expected("evaluate", "--first", options.first, f"0, or --suite {SPLITS}"))
    return list(suite_scenes(options.suite, options.n, base, options.open(), options.split))


def _label(options: Options) -> str:
    """What the files of the suite are called."""
    if options.suite.endswith(".jsonl"):
        return Path(options.suite).stem
    own_split = options.split == "gate" or options.suite in SPLITS
    return options.suite if own_split else f"{options.suite}-{options.split}"


def _latency(options: Options, scenes: list[tuple[Scenario, int]]) -> dict[str, Any]:
    from loopyard.evaluation.worker import WorkerPlan
    from loopyard.surface.latency import measured_latency

    execution = options.n_action_steps, options.temporal_ensemble
    return measured_latency(WorkerPlan(options.policy, "", scenes[0][0], 1, *execution), scenes)


def _text(answer: dict[str, Any]) -> str:
    from loopyard.surface.latency import latency_lines
    from loopyard.surface.stratum_table import stratum_table

    low, high = answer["wilson_95"]
    early = answer.get("decided_after", 0) < answer.get("n_max", 0)
    nominal = ", nominal: it stopped when the verdict was clear" if early else ""
    lines = [] if not answer["modes"] else [_mode_lines(answer["modes"]), ""]
    if strata := stratum_table(answer["strata"]):
        lines += [strata, ""]
    lines += [
        f"{answer['successes']} of {answer['n']} scenes succeeded: {answer['rate']:.1%} "
        f"(Wilson 95 % {low:.1%} to {high:.1%}{nominal})"
    ]
    if answer["failures"]:
        kinds = ", ".join(
            f"{count} {reason.replace('_', ' ')}" for reason, count in answer["failures"].items()
        )
        lines.append(f"failures: {kinds}")
    if answer["violations"]["drives"]:
        kinds = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in _violations(answer))
        lines.append(f"safety violations in {answer['violations']['drives']} drives: {kinds}")
    if answer["bricks"] and answer["bricks"]["seconds_each"] is not None:
        bricks = answer["bricks"]
        lines.append(
            f"bricks: {bricks['delivered']} delivered, {bricks['seconds_each']:.1f} s each"
        )
    lines += latency_lines(answer)
    if "verdict" in answer:
        lines.append(f"verdict: {answer['verdict']}. {answer['reason']}")
    return "\n".join(lines)


def _mode_lines(modes: dict[str, Any]) -> str:
    from loopyard.surface.mode_table import mode_table

    return mode_table({"id": id, **result} for id, result in modes.items())


def _violations(answer: dict[str, Any]) -> list[tuple[str, int]]:
    return list(answer["violations"]["events"].items())
