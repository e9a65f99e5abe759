"""Drives a policy on a set of scenes in parallel, durably, and says how often it succeeds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loopyard.core.clock import Stopwatch
from loopyard.core.errors import CheckpointError, ConfigError, expected
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import split_of
from loopyard.evaluation.execution import LatencyModel
from loopyard.evaluation.expert_policy import EXPERT, expert_digest
from loopyard.evaluation.identity import policy_digest
from loopyard.evaluation.record import RolloutRecord, SceneKey
from loopyard.evaluation.result import Evaluation
from loopyard.evaluation.rollout import RolloutJob
from loopyard.evaluation.suite_folder import SuiteFolder
from loopyard.evaluation.worker import (
    BASELINES,
    Block,
    WorkerPlan,
    block_size,
    rollout_handler,
)
from loopyard.executors.executor import Executor
from loopyard.policies.policy import Policy

LOCKSTEP = 8
"""Worlds that share a forward pass in each worker."""

BLOCK_ROUNDS = 2
"""A job is at most this many drives for each world of a worker: what a kill can cost."""


def evaluate(
    policy: Policy | str | Path,
    world: str = "yard",
    preset: str = "starter",
    seeds: Sequence[int] = range(900_000, 900_100),
    *,
    params: dict[str, Any] | None = None,
    scenes: Sequence[tuple[Scenario, int]] | None = None,
    expert: str | None = None,
    workers: int | None = None,
    out: str | Path | None = None,
    suite: str | None = None,
    videos: int = 0,
    n_action_steps: int | None = None,
    temporal_ensemble: float | None = None,
    latency: LatencyModel | None = None,
    lockstep: int = LOCKSTEP,
    traces: bool = True,
    executor: Executor | None = None,
    on_result: Callable[[RolloutRecord], None] | None = None,
) -> Evaluation:
    """Success rate of `policy` on the scenes (world, preset, params; seed).

    policy: a checkpoint folder or a baseline's name (driven by `workers` processes, one a core
    unless said), or a policy in memory (driven in this process, unless it has a ``path``).
    ``expert`` is the world's own expert, or the one that `expert` names.
    scenes: (scenario, seed) pairs in place of world, preset, params and seeds. The scenarios may
    differ, but not in what a policy sees and does (cameras, state, action, rate).
    out: a folder for ``<suite>.jsonl`` (a line as each block of drives ends), ``<suite>.json``
    (the summary), the executed actions and `videos` films. Run again with the same `out`, scenes
    that are already there for the same policy and settings are not driven again.
    latency: as if each prediction took so many ticks; the drives are as exact as without.
    suite: a name for the files; else the split the seeds belong to.
    traces: keep each drive's signals, for its metrics and, with `out`, for a diagnosis.
    on_result: called with each record, in the order they come.

    Raises:
        ConfigError: no scenes, or the same one twice, or videos without `out`, or a policy that
            cannot be driven with this latency.
        CheckpointError, WorldError: what cannot be loaded, or does not fit together.
        Interrupted: stopped; what was driven is kept when there is an `out`.
    """
    if scenes is None:
        base = Scenario(world=world, preset=preset, params=params or {})
        scenes = [(base, seed) for seed in seeds]
    keys = [(scenario.digest, seed) for scenario, seed in scenes]
    _check(keys, videos, out, lockstep)
    watch = Stopwatch()
    lockstep = 1 if policy == EXPERT else min(lockstep, len(scenes))
    plan = _plan(policy, scenes[0][0], lockstep, n_action_steps, temporal_ensemble, latency, expert)
    plan = replace(plan, traces=traces, latency=latency)
    suite = suite or split_of(scenes[0][1]) or "rollouts"
    folder = SuiteFolder(Path(out), suite, plan.digest) if out is not None else None

    known = folder.known() if folder else {}
    found = {key: known[key] for key in keys if key in known}
    reused = len(found)
    for record in found.values():
        _report(on_result, record)
    missing = _jobs(scenes, keys, found)
    executor = executor or _executor(plan, workers, len(missing))
    for block in executor.map(rollout_handler(plan), _blocks(missing, executor.workers, lockstep)):
        if folder:
            folder.keep(block)
        for driven in block:
            found[driven.record.scene] = driven.record
            _report(on_result, driven.record)
    result = Evaluation(
        tuple(found[key] for key in keys), plan.digest, suite, watch.seconds(), reused, latency
    )
    if folder:
        result = folder.film(result, videos, executor)
        folder.summarise(result)
    return result


def _jobs(
    scenes: Sequence[tuple[Scenario, int]],
    keys: Sequence[SceneKey],
    found: Mapping[SceneKey, RolloutRecord],
) -> list[RolloutJob]:
    """What is left to drive, equal scenarios side by side: a change of scenario costs a model."""
    place: dict[str, int] = {}
    for digest, _ in keys:
        place.setdefault(digest, len(place))
    left = [index for index, key in enumerate(keys) if key not in found]
    left.sort(key=lambda index: place[keys[index][0]])
    return [RolloutJob(*scenes[index], index) for index in left]


def _check(keys: Sequence[SceneKey], videos: int, out: str | Path | None, lockstep: int) -> None:
    if len(keys) == 0 or len(set(keys)) != len(keys):
        raise ConfigError(
            expected(
                "evaluate",
                "seeds",
                f"{len(keys)} scenes, {len(set(keys))} different",
                "at least one, each of them once",
            )
        )
    if videos and out is None:
        raise ConfigError(expected("evaluate", "out", out, "a folder, to keep the videos in"))
    if lockstep < 1:
        raise ConfigError(expected("evaluate", "lockstep", lockstep, "1 or more worlds"))


def _plan(
    policy: Policy | str | Path,
    scenario: Scenario,
    lockstep: int,
    n_action_steps: int | None,
    temporal_ensemble: float | None,
    latency: LatencyModel | None,
    expert: str | None,
) -> WorkerPlan:
    timed = {} if latency is None else {"latency": latency}
    if policy == EXPERT:
        digest = policy_digest(EXPERT, code=expert_digest(scenario.world, expert), **timed)
        return WorkerPlan(EXPERT, digest, scenario, lockstep, expert=expert)
    if expert is not None:
        raise ConfigError(expected("evaluate", "expert", expert, f"none unless policy is {EXPERT}"))
    if isinstance(policy, str | Path):
        source: Policy | str = str(policy)
    else:
        path = getattr(policy, "path", None)
        source = policy if path is None else str(path)
        n_action_steps = n_action_steps or policy.n_action_steps
        temporal_ensemble = temporal_ensemble or getattr(policy, "temporal_ensemble", None)
    execution = {"n_action_steps": n_action_steps, "temporal_ensemble": temporal_ensemble}
    if isinstance(source, str):
        from loopyard.policies.checkpoint import checkpoint_folder

        if source not in BASELINES and not Path(source).is_dir():
            raise CheckpointError(
                expected(
                    source,
                    "policy",
                    "nothing there",
                    f"a checkpoint folder or one of {', '.join(BASELINES)}",
                )
            )
        if source not in BASELINES:
            source = str(checkpoint_folder(source))
        return WorkerPlan(
            source, policy_digest(source, **execution, **timed), scenario, lockstep, **execution
        )
    if n_action_steps != source.n_action_steps:
        raise ConfigError(
            expected(
                "evaluate",
                "n_action_steps",
                n_action_steps,
                f"{source.n_action_steps}, as the policy in memory has it",
            )
        )
    # What says nothing of its content is new every time: its records are never reused.
    content = getattr(source, "digest", None) or os.urandom(8).hex()
    digest = policy_digest(f"memory:{content}", **execution, **timed)
    return WorkerPlan(source, digest, scenario, lockstep, **execution)


def _executor(plan: WorkerPlan, workers: int | None, jobs: int) -> Executor:
    from loopyard.executors.local import LocalExecutor

    if not isinstance(plan.policy, str):
        return LocalExecutor(0)
    wanted = usable_cores() if workers is None else workers
    return LocalExecutor(min(wanted, max(1, jobs)))


def _blocks(jobs: Sequence[RolloutJob], workers: int, lockstep: int) -> Iterator[Block]:
    if not jobs:
        return
    size = block_size(len(jobs), workers, BLOCK_ROUNDS * lockstep)
    for start in range(0, len(jobs), size):
        yield tuple(jobs[start : start + size])


def _report(on_result: Callable[[RolloutRecord], None] | None, record: RolloutRecord) -> None:
    if on_result is not None:
        on_result(record)
