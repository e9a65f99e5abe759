"""How a checkpoint is proven: driven, swapped, held against baselines, validated, timed.

Everything lies in one folder and is kept as it comes, so that the same call goes on after a stop:

    rollouts/policy.jsonl       scenes as they come, the swapped ones, those of validation
    rollouts/image-mask.jsonl   and so on: the baselines under both instructions
    baselines/image-mask-.../   their checkpoints, by the training that they are held against
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from loopyard.core.clock import Stopwatch
from loopyard.core.errors import ConfigError, expected
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.gate import require_gate_seeds
from loopyard.evaluation.latency import PREDICTIONS, measure_latency
from loopyard.evaluation.offline.training_curve import TrainingCurve, read_curve
from loopyard.evaluation.record import RolloutRecord, SceneKey
from loopyard.evaluation.statistics import compare
from loopyard.evaluation.vla.baselines import (
    FRAME_INDEX,
    MASKS,
    Lineage,
    fit_tape,
    lineage_of,
    train_masked,
)
from loopyard.evaluation.vla.data_verdict import data_verdict, trainable_parameters
from loopyard.evaluation.vla.proof import Asked, Proof, Scene, Validated, failures_of, rate_of
from loopyard.evaluation.vla.verdict import Beaten, judge_proof
from loopyard.evaluation.worker import make_scenario_world
from loopyard.policies.checkpoint import Checkpoint, load_checkpoint, load_policy
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.policy import Policy
from loopyard.training.journal import LOG
from loopyard.worlds.world import ValidationCase, spec_of

POLICY = "policy"
"""The suite of the policy's own drives."""


class Advance(Protocol):
    """The progress of one piece of work."""

    def update(
        self, done: float | None = None, total: float | None = None, note: str | None = None
    ) -> None: ...


Progress = Callable[[float, str, str], AbstractContextManager[Advance]]
"""(total, unit, label) of a piece of work."""


def prove(asked: Asked, progress: Progress) -> Proof:
    """Drive, train the baselines, drive those, and say what it comes to.

    Raises:
        ConfigError: a policy that does not read, a world that knows no other instruction for a
            scene, or scenes to learn or to choose on.
        CheckpointError, DatasetError: checkpoint or data are not there or do not fit.
        Interrupted: stopped; the same call goes on.
    """
    require_gate_seeds(seed for _, seed in asked.scenes)
    checkpoint = load_checkpoint(asked.checkpoint)
    if not checkpoint.config.takes_text:
        raise ConfigError(
            expected("evaluate --vla", "checkpoint", checkpoint.config.type, "a policy that reads")
        )
    lineage = lineage_of(checkpoint.path)
    swapped, cases, ticks = _of_world(asked)
    seconds: dict[str, float] = {}

    with _timed(seconds, "driving"):
        records = _drive_policy(asked, checkpoint, swapped, cases, progress)
    of = {record.scene: record for record in records}
    told, other = (_of_scenes(of, scenes) for scenes in (asked.scenes, swapped))
    baselines = _baselines(asked, lineage, ticks, (*told, *other), seconds, progress)
    verdict = judge_proof(rate_of(told), rate_of(other), baselines, asked.target)
    with _timed(seconds, "latency"):
        latency = _latency(asked, checkpoint)
    with _timed(seconds, "audit"):
        data = data_verdict(lineage.datasets, trainable_parameters(checkpoint.model()))
    return Proof(
        asked=asked,
        checkpoint=checkpoint.path,
        steps=lineage.steps,
        records=told,
        swapped=other,
        baselines=baselines,
        validation=tuple(_validated(asked, case, of) for case in cases),
        latency=latency,
        data=data,
        curve=_curve(checkpoint),
        verdict=verdict,
        seconds=seconds,
    )


def _of_world(asked: Asked) -> tuple[list[Scene], Sequence[ValidationCase], int]:
    """The swapped scenes, the cases of validation, and the ticks of the longest drive."""
    base = asked.scenes[0][0]
    world = make_scenario_world(base)
    try:
        own = getattr(world, "unwrapped", world)
        swapped = getattr(own, "swapped", None)
        if swapped is None:
            wanted = "swapped(scenario, seed): the same scene with another instruction"
            raise ConfigError(expected("evaluate --vla", f"world {base.world}", "none", wanted))
        cases = getattr(own, "validation_cases", None)
        usual = ValidationCase("like training", "like training", base, "the scenes judged on")
        return (
            [(swapped(scenario, seed), seed) for scenario, seed in asked.scenes],
            (usual,) if cases is None else cases(base),
            int(getattr(world, "max_steps", spec_of(world).max_steps)),
        )
    finally:
        world.close()


def _case_scenes(asked: Asked, case: ValidationCase) -> list[Scene]:
    return [(case.scenario, seed) for _, seed in asked.scenes[: asked.validation_n]]


def _of_scenes(
    of: Mapping[SceneKey, RolloutRecord], scenes: Sequence[Scene]
) -> tuple[RolloutRecord, ...]:
    return tuple(of[scenario.digest, seed] for scenario, seed in scenes)


def _drive_policy(
    asked: Asked,
    checkpoint: Checkpoint,
    swapped: Sequence[Scene],
    cases: Sequence[ValidationCase],
    progress: Progress,
) -> list[RolloutRecord]:
    """Records of the scenes as they come, of the swapped ones and of validation; each once."""
    of_cases = (scene for case in cases for scene in _case_scenes(asked, case))
    every = [*asked.scenes, *swapped, *of_cases]
    scenes = {(scenario.digest, seed): (scenario, seed) for scenario, seed in every}
    return _drive(asked, str(checkpoint.path), POLICY, list(scenes.values()), progress)


def _drive(
    asked: Asked, policy: Policy | str, suite: str, scenes: Sequence[Scene], progress: Progress
) -> list[RolloutRecord]:
    driven = successes = 0
    with progress(len(scenes), "rollouts", suite) as advance:

        def on_result(record: RolloutRecord) -> None:
            nonlocal driven, successes
            driven, successes = driven + 1, successes + record.outcome.success
            advance.update(driven, note=f"{successes} succeeded")

        result = evaluate(
            policy,
            scenes=scenes,
            workers=asked.workers,
            out=asked.rollouts,
            suite=suite,
            on_result=on_result,
        )
    return list(result.records)


def _baselines(
    asked: Asked,
    lineage: Lineage,
    ticks: int,
    records: Sequence[RolloutRecord],
    seconds: dict[str, float],
    progress: Progress,
) -> dict[str, Beaten]:
    """Each on every scene under both instructions, so that a guess is right in one of the two."""
    of_policy = {record.scene: record.outcome.success for record in records}
    scenes = [(record.scenario, record.seed) for record in records]
    found: dict[str, Beaten] = {}
    for name in (*MASKS, FRAME_INDEX):
        suite = name.replace(" ", "-")
        with _timed(seconds, f"{name}: training"):
            policy: Policy | str
            if name == FRAME_INDEX:
                policy = fit_tape(lineage, ticks)
            else:
                policy = str(_trained(asked, lineage, name, progress))
        with _timed(seconds, f"{name}: driving"):
            driven = _drive(asked, policy, suite, scenes, progress)
        own = {record.scene: record.outcome.success for record in driven}
        found[name] = Beaten(name, rate_of(driven), compare(of_policy, own))
    return found


def _trained(asked: Asked, lineage: Lineage, name: str, progress: Progress) -> Path:
    out = asked.out / "baselines" / f"{name.replace(' ', '-')}-{lineage.digest}"
    with progress(lineage.steps, "steps", f"train {name}") as advance:
        return train_masked(
            lineage,
            MASKS[name],
            out,
            lambda report: advance.update(report.step, note=f"loss {report.loss:.4f}"),
        )


def _validated(
    asked: Asked, case: ValidationCase, of: Mapping[SceneKey, RolloutRecord]
) -> Validated:
    records = _of_scenes(of, _case_scenes(asked, case))
    return Validated(case, rate_of(records), failures_of(records))


def _latency(asked: Asked, checkpoint: Checkpoint) -> dict[str, Any]:
    """From the picture to the action, on the processor and, where there is one, on the GPU."""
    world, policy = make_scenario_world(asked.scenes[0][0]), load_policy(checkpoint.path)
    assert isinstance(policy, ChunkedPolicy)  # it reads
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    try:
        return {
            device: measure_latency(
                policy.to(device), world, asked.scenes, predictions=PREDICTIONS
            ).to_dict()
            for device in devices
        }
    finally:
        world.close()


def _curve(checkpoint: Checkpoint) -> TrainingCurve | None:
    """Of the last training; the journal lies beside the checkpoint."""
    facts = checkpoint.facts
    frames = sum(part.get("usable_frames", 0) for part in facts.get("datasets", ()))
    settings = facts["settings"]
    batch = settings.get("batch_size", 1) * settings.get("accumulate", 1)
    return read_curve(checkpoint.path.resolve().parent / LOG, frames / batch)


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    watch = Stopwatch()
    yield
    seconds[name] = round(watch.seconds(), 1)
