"""What runs in a worker process: its own worlds and policy, and blocks of rollouts through them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.core.scenario import Scenario
from loopyard.evaluation.execution import LatencyModel, start_execution
from loopyard.evaluation.expert_policy import EXPERT, ExpertPolicy, ShowsTruth
from loopyard.evaluation.metrics import rollout_metrics
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.remade import Remade
from loopyard.evaluation.rollout import RolloutJob, drive
from loopyard.evaluation.trace import TraceRecorder
from loopyard.experts.registry import make_expert
from loopyard.policies.policy import Policy

Block = tuple[RolloutJob, ...]

BASELINES = ("zero", "random", EXPERT)


@dataclass(frozen=True)
class WorkerPlan:
    """How a worker sets itself up.

    policy: a checkpoint folder, a baseline's name, or a policy itself where the work stays in this
    process. scenario: what its worlds are made for; a job's own scenario may be another. expert:
    ``package.module:ClassName`` where the policy is the expert and not the world's own. latency:
    what each prediction takes, in simulated ticks.
    """

    policy: str | Policy
    digest: str
    scenario: Scenario
    lockstep: int
    n_action_steps: int | None = None
    temporal_ensemble: float | None = None
    traces: bool = True
    expert: str | None = None
    latency: LatencyModel | None = None


@dataclass(frozen=True)
class Driven:
    """A record, and the actions that were executed: (T, A) float32, enough to drive it again.

    trace: the file of its `loopyard.evaluation.trace.Trace`; empty where none was wanted.
    """

    record: RolloutRecord
    actions: np.ndarray
    trace: bytes = b""


class RolloutHandler:
    """Drives blocks of jobs; worlds and policy are made once and kept."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._worlds: list[Any] = [
            Remade(make_scenario_world(plan.scenario), make_scenario_world)
            for _ in range(plan.lockstep)
        ]
        if plan.policy == EXPERT:
            self._policy: Policy = ExpertPolicy(make_expert(self._worlds[0], plan.expert))
            self._worlds = [ShowsTruth(world) for world in self._worlds]
        else:
            self._policy = load_for(plan, int(self._worlds[0].action_space.shape[0]))

    def __call__(self, block: Block) -> list[Driven]:
        recorders: dict[int, TraceRecorder] = {}
        latency = self._plan.latency
        # With a latency, chunks do not begin at multiples of anything.
        stride = start_execution(self._policy).stride if latency is None else 1

        def observe(job: RolloutJob) -> list[TraceRecorder]:
            recorders[job.index] = TraceRecorder(stride, signals=self._plan.traces)
            return [recorders[job.index]]

        results = drive(
            self._worlds,
            self._policy,
            block,
            observe,
            digest=self._plan.digest,
            latency=latency,
        )
        return [self._driven(record, recorders.pop(job.index)) for job, record in results]

    def _driven(self, record: RolloutRecord, recorder: TraceRecorder) -> Driven:
        if not self._plan.traces:
            return Driven(record, recorder.actions())
        trace = recorder.trace()
        metrics = {**record.metrics, **rollout_metrics(trace, record.outcome)}
        measured = replace(record, metrics=metrics)
        return Driven(measured, trace.actions, trace.to_bytes())

    def close(self) -> None:
        for world in self._worlds:
            world.close()


def rollout_handler(plan: WorkerPlan) -> partial[RolloutHandler]:
    """A picklable ``make_handler`` for an executor."""
    return partial(RolloutHandler, plan)


def block_size(jobs: int, workers: int, most: int) -> int:
    """Drives a block, at most so many: equal shares for all workers, so that all end together."""
    workers = max(1, workers)
    blocks_each = -(-jobs // (workers * most))
    return max(1, -(-jobs // max(1, blocks_each * workers)))


def make_scenario_world(scenario: Scenario) -> Any:
    """A world of the scenario's name, preset and parameters."""
    from loopyard.worlds.registry import make_world

    return make_world(scenario.world, preset=scenario.preset, **scenario.params)


def load_for(plan: WorkerPlan, action_size: int) -> Policy:
    """The plan's policy; baselines are made for the world's own number of actions.

    Raises:
        ConfigError: the expert, which needs a world that shows it the truth.
    """
    if plan.policy == EXPERT:
        raise ConfigError(expected("policy", "name", EXPERT, "a policy that sees observations"))
    if not isinstance(plan.policy, str):
        return plan.policy
    if plan.policy in BASELINES:
        from loopyard.policies.baselines import RandomPolicy, ZeroPolicy

        return (ZeroPolicy if plan.policy == "zero" else RandomPolicy)(action_size)
    from loopyard.policies.checkpoint import load_policy

    return load_policy(
        plan.policy, n_action_steps=plan.n_action_steps, temporal_ensemble=plan.temporal_ensemble
    )
