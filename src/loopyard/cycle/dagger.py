"""DAgger (Ross et al., arXiv:1011.0686): the policy drives, the expert labels where it got to.

Two ways to label a chunk. ``path``: the labels along the path that the policy drove, nearly free,
but what follows in them is the expert's answer to where the policy went, not a plan from here.
``fork``: from a snapshot the expert itself drives the chunk on, unseen, and the world is restored:
a true plan, for chunk_size times the physics. By `benchmarks/dagger_labels.py` the fork gives more
success a minute while a policy is weak, and no less once it is good: it is the default.

The expert also takes the wheel for stretches (a share ``expert_share`` of them), so that a policy
which fails early still shows the states that come later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from loopyard.core.errors import CheckpointError, expected
from loopyard.core.scenario import Scenario
from loopyard.core.specs import WorldSpec
from loopyard.cycle.shared_wheel import SharedWheel
from loopyard.data.builder import DatasetBuilder
from loopyard.data.episode import EpisodeRow
from loopyard.data.generate import Generated, until
from loopyard.data.recorder import EpisodeRecorder
from loopyard.data.video import VideoSettings
from loopyard.evaluation.execution import start_execution
from loopyard.evaluation.identity import policy_digest
from loopyard.evaluation.metrics import rollout_metrics
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation
from loopyard.evaluation.rollout import RolloutJob, Watcher, drive
from loopyard.evaluation.suite_folder import SuiteFolder
from loopyard.evaluation.trace import TraceRecorder
from loopyard.evaluation.worker import (
    Driven,
    WorkerPlan,
    block_size,
    load_for,
    make_scenario_world,
)
from loopyard.executors.executor import Executor
from loopyard.experts.expert import Expert
from loopyard.experts.registry import make_expert
from loopyard.worlds.world import spec_of

LEARN = "learn"
"""The suite that a cycle's labelled rollouts make up."""
Labels = Literal["path", "fork"]


@dataclass(frozen=True)
class RelabelPlan:
    """How the policy drives and what is written down.

    scenario: gives the dataset its spec; the scenes that are driven may be of others like it.
    policy: a checkpoint folder. root: the dataset. chunk_size: ticks of a forked expert chunk.
    fork_every: ticks between two forks. expert_share: share of stretches that the expert drives.
    patience_s: a drive without progress for so long ends; None: each lasts as long as its world
    says.
    """

    policy: str
    scenario: Scenario
    root: Path
    labels: Labels = "fork"
    chunk_size: int = 10
    fork_every: int = 4
    expert_share: float = 0.0
    patience_s: float | None = None
    n_action_steps: int | None = None
    lockstep: int = 8
    expert: str | None = None
    video: VideoSettings = field(default_factory=VideoSettings)

    @property
    def digest(self) -> str:
        """Names the policy and how it is executed, in the records."""
        return policy_digest(
            self.policy, n_action_steps=self.n_action_steps, temporal_ensemble=None
        )

    @property
    def recorded_chunk(self) -> int:
        return self.chunk_size if self.labels == "fork" else 0


class Relabel(Watcher):
    """Records one drive with the expert's labels."""

    def __init__(self, plan: RelabelPlan, job: RolloutJob, spec: WorldSpec) -> None:
        self._plan, self._job = plan, job
        self._recorder = EpisodeRecorder(
            plan.root, job.index, spec, plan.video, plan.recorded_chunk
        )
        self.row: EpisodeRow | None = None

    def tick(
        self, tick: int, world: Any, obs: dict[str, Any], action: np.ndarray, info: dict[str, Any]
    ) -> None:
        chunk = None
        if self._plan.labels == "fork" and tick % self._plan.fork_every == 0:
            chunk = expert_chunk(world, world.expert, self._plan.chunk_size)
        label, executed = world.choose(action)
        self._recorder.add(obs, label, executed, world.phase, chunk)

    def end(
        self, record: RolloutRecord, world: Any, obs: dict[str, Any], info: dict[str, Any]
    ) -> None:
        if not self._recorder.length:
            self._recorder.discard()
            raise CheckpointError(
                expected(self._plan.policy, "first action", "not finite", "numbers in [-1, 1]")
            )
        self.row = self._recorder.commit(
            self._job.seed,
            self._job.scenario,
            record.outcome,
            source="policy",
            meta={"policy": record.policy, "expert_share": self._plan.expert_share},
        )


class WheelTrace(TraceRecorder):
    """Keeps what a shared wheel executed; comes after the `Relabel` that lets it choose."""

    def tick(
        self, tick: int, world: Any, obs: dict[str, Any], action: np.ndarray, info: dict[str, Any]
    ) -> None:
        super().tick(tick, world, obs, world.executed, info)


def expert_chunk(world: Any, expert: Expert, size: int) -> np.ndarray:
    """(size, A) float32: what the expert would do from here; the world stays as it is.

    After the end of an episode the last action is repeated.
    """
    snapshot = world.snapshot()
    blind = getattr(world, "step_blind", None)
    actions: list[np.ndarray] = []
    ended = False
    while len(actions) < size and not ended:
        actions.append(np.asarray(expert.act(world.truth()), dtype=np.float32))
        if blind is not None:
            ended = blind(actions[-1])
        else:
            _, _, terminated, truncated, _ = getattr(world, "world", world).step(actions[-1])
            ended = terminated or truncated
    world.restore(snapshot)
    actions += [actions[-1]] * (size - len(actions))
    return np.stack(actions)


class RelabelHandler:
    """Drives blocks of scenes; worlds and policy are made once and kept."""

    def __init__(self, plan: RelabelPlan) -> None:
        self._plan = plan
        worlds = [make_scenario_world(plan.scenario) for _ in range(plan.lockstep)]
        self._spec = spec_of(worlds[0], plan.scenario.world, plan.scenario.preset)
        self._worlds = [
            SharedWheel(
                world,
                make_expert(world, plan.expert),
                plan.expert_share,
                self._spec.fps,
                plan.patience_s,
            )
            for world in worlds
        ]
        worker = WorkerPlan(plan.policy, "", plan.scenario, plan.lockstep, plan.n_action_steps)
        self._policy = load_for(worker, self._spec.action.size)

    def __call__(self, block: tuple[RolloutJob, ...]) -> list[tuple[EpisodeRow, Driven]]:
        watchers: dict[int, tuple[Relabel, WheelTrace]] = {}
        stride = start_execution(self._policy).stride

        def observe(job: RolloutJob) -> tuple[Relabel, WheelTrace]:
            watchers[job.index] = Relabel(self._plan, job, self._spec), WheelTrace(stride)
            return watchers[job.index]

        driven = []
        worlds = cast(Any, self._worlds)
        for job, record in drive(worlds, self._policy, block, observe, digest=self._plan.digest):
            relabelled, recorder = watchers.pop(job.index)
            assert relabelled.row is not None
            trace = recorder.trace()
            measured = replace(record, metrics=rollout_metrics(trace, record.outcome))
            driven.append((relabelled.row, Driven(measured, trace.actions, trace.to_bytes())))
        return driven

    def close(self) -> None:
        for world in self._worlds:
            world.close()


def relabel(
    plan: RelabelPlan,
    scenes: Sequence[tuple[Scenario, int]],
    executor: Executor,
    on_episode: Callable[[EpisodeRow], None] | None = None,
    out: Path | None = None,
    deadline_s: float | None = None,
) -> Generated:
    """Let the policy drive these scenes (scenario, seed) and seal what the expert says of it.

    Slots that are durable already are not driven again, unless a record is missing.

    Args:
        out: a folder for records and traces of the drives, as an evaluation keeps them, in a suite
            called ``learn``. deadline_s: ``time.monotonic()`` after which no further drive begins.

    Raises:
        CheckpointError: the policy cannot be loaded or does not fit the world.
        WorldError: the world cannot be forked, or does not keep the protocol.
    """
    start_s = time.monotonic()
    world = make_scenario_world(plan.scenario)
    spec = spec_of(world, plan.scenario.world, plan.scenario.preset)
    world.close()
    lineage = {"made_by": "dagger", "labels": plan.labels, "expert_share": plan.expert_share}
    lineage |= {} if plan.patience_s is None else {"patience_s": plan.patience_s}
    builder = DatasetBuilder(
        plan.root, spec, video=plan.video, chunk_size=plan.recorded_chunk, lineage=lineage
    )
    done = builder.slots()
    folder = SuiteFolder(out, LEARN, plan.digest) if out is not None else None
    # A worker makes its episodes durable, and records come after: a kill in between left some out.
    recorded = None if folder is None else folder.known()
    jobs = [
        RolloutJob(scenario, seed, slot)
        for slot, (scenario, seed) in enumerate(scenes)
        if slot not in done or (recorded is not None and (scenario.digest, seed) not in recorded)
    ]
    size = block_size(len(jobs), executor.workers, 3 * plan.lockstep)
    starts = until(deadline_s, range(0, len(jobs), size), len(done))
    blocks = (tuple(jobs[at : at + size]) for at in starts)
    frames = 0
    for drives in executor.map(partial(RelabelHandler, plan), blocks):
        if folder is not None:
            folder.keep([driven for _, driven in drives])
        for row, _ in drives:
            frames += row.length
            done[row.slot] = row
            if on_episode is not None:
                on_episode(row)
    if folder is not None:
        folder.summarise(Evaluation(tuple(folder.known().values()), plan.digest, LEARN))
    failed = sum(not row.outcome.success for row in done.values())
    return Generated(builder.seal(), len(done), failed, frames, time.monotonic() - start_s)
