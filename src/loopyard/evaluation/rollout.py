"""The one closed loop: a policy drives worlds in lockstep, and observers watch it.

Evaluation, films, traces and DAgger all hang on `drive`. Several worlds of one process share each
forward pass, because a pass for one world is mostly overhead. A pass has a multiple of `ROWS` rows
(one row is repeated to fill it), so that a seed's drive does not depend on which others share it:
from four rows on, what a row gives was the same to the bit whatever stood in the others and however
many there were (torch 2.13 on AVX-512). Elsewhere, or with fewer than four worlds, float sums may
round differently, and a long drive can then part ways.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import CheckpointError, expected
from loopyard.core.scenario import Scenario
from loopyard.evaluation.execution import LatencyModel, start_execution
from loopyard.evaluation.record import RolloutRecord
from loopyard.policies.policy import HISTORY_KEY, Policy
from loopyard.worlds.tally import NON_FINITE_ACTION, Tally
from loopyard.worlds.world import World, spec_of

ROWS = 4
"""A forward pass is filled up to a multiple of this many rows."""


@dataclass(frozen=True)
class RolloutJob:
    """One scene to drive. index is the caller's own: an episode slot, a place in a suite."""

    scenario: Scenario
    seed: int
    index: int = 0


class Observer(Protocol):
    """Watches one drive. It may look at the world and query it, and must leave it as it was.

    One that forks (``world.snapshot()``, steps, ``world.restore(...)``) restores before it returns.
    """

    def begin(
        self, job: RolloutJob, world: World, obs: dict[str, Any], info: dict[str, Any]
    ) -> None:
        """After the reset, before the first tick."""
        ...

    def tick(
        self, tick: int, world: World, obs: dict[str, Any], action: np.ndarray, info: dict[str, Any]
    ) -> None:
        """Before `action` ((A,) float32, within the world's limits) is executed on the state that
        `obs` shows; `info` is the reset's or the last step's."""
        ...

    def end(
        self, record: RolloutRecord, world: World, obs: dict[str, Any], info: dict[str, Any]
    ) -> None:
        """After the last tick; `obs` and `info` are its results."""
        ...


class Watcher:
    """An observer that does nothing: override what you need."""

    def begin(
        self, job: RolloutJob, world: World, obs: dict[str, Any], info: dict[str, Any]
    ) -> None:
        pass

    def tick(
        self, tick: int, world: World, obs: dict[str, Any], action: np.ndarray, info: dict[str, Any]
    ) -> None:
        pass

    def end(
        self, record: RolloutRecord, world: World, obs: dict[str, Any], info: dict[str, Any]
    ) -> None:
        pass


Observe = Callable[[RolloutJob], Sequence[Observer]]
"""Gives each drive its own observers."""


def unobserved(job: RolloutJob) -> Sequence[Observer]:
    return ()


def rollout(
    world: World,
    policy: Policy,
    scenario: Scenario,
    seed: int,
    observers: Sequence[Observer] = (),
    *,
    digest: str = "",
    latency: LatencyModel | None = None,
    clock: Clock | None = None,
) -> RolloutRecord:
    """Drives one scene to its end. Raises as `drive` does."""
    job = RolloutJob(scenario, seed)
    return next(
        record
        for _, record in drive(
            [world],
            policy,
            [job],
            lambda _: observers,
            digest=digest,
            latency=latency,
            clock=clock,
        )
    )


def drive(
    worlds: Sequence[World],
    policy: Policy,
    jobs: Iterable[RolloutJob],
    observe: Observe = unobserved,
    *,
    digest: str = "",
    latency: LatencyModel | None = None,
    clock: Clock | None = None,
) -> Iterator[tuple[RolloutJob, RolloutRecord]]:
    """Drives every job to its end in these worlds (all of one action size), results as they end.

    Jobs are pulled lazily, when a world is free and a new chunk is due anyway, so that all worlds
    plan in the same tick. The policy is used through ``predict_chunks`` alone: it keeps no memory.

    digest: names the policy in the records. latency: what each prediction takes, in simulated
    ticks. The worlds stay open.

    Raises:
        CheckpointError: the policy's chunks have another shape than the world's actions.
        ConfigError: the policy cannot be driven with this latency (`start_execution`).
        WorldError: a world does not keep the protocol.
    """
    clock = clock or SystemClock()
    policy.reset()
    stride = start_execution(policy, latency).stride
    waiting = iter(jobs)
    slots = [_Slot(world, policy, digest, len(worlds), latency, clock) for world in worlds]
    tick = 0
    while True:
        if tick % stride == 0:
            for slot in slots:
                if not slot.busy and (job := next(waiting, None)) is not None:
                    slot.begin(job, observe(job))
        active = [slot for slot in slots if slot.busy]
        if not active and tick % stride == 0:
            return
        if active and tick % stride == 0:
            rows = min(len(worlds), -(-len(active) // ROWS) * ROWS)
            _plan(active, policy, rows, clock)
        for slot in active:
            finished = slot.step()
            if finished is not None:
                yield finished
        tick += 1


class _Slot:
    """A world, and the drive that is running in it."""

    def __init__(
        self,
        world: World,
        policy: Policy,
        digest: str,
        lockstep: int,
        latency: LatencyModel | None,
        clock: Clock,
    ) -> None:
        spec = spec_of(world)
        self.world = world
        self.obs: dict[str, Any] = {}
        self.chunk_shape = (policy.chunk_size, spec.action.size)
        self.wall_s = 0.0
        self.inference_s: list[float] = []
        self._info: dict[str, Any] = {}
        self._limits = (spec.fps, spec.max_steps)
        self._low = np.array([channel.low for channel in spec.action.channels], np.float32)
        self._high = np.array([channel.high for channel in spec.action.channels], np.float32)
        self._policy = policy
        self._digest = digest
        self._lockstep = lockstep
        self._latency = latency
        self._clock = clock
        self._job: RolloutJob | None = None
        self._drawn: dict[str, Any] = {}
        self._observers: Sequence[Observer] = ()
        self._earlier: deque[dict[str, Any]] = deque(maxlen=getattr(policy, "n_obs_steps", 1) - 1)

    @property
    def seen(self) -> dict[str, Any]:
        """What the policy is shown: with the ticks before, where it looks at several."""
        return {**self.obs, HISTORY_KEY: tuple(self._earlier)} if self._earlier.maxlen else self.obs

    @property
    def busy(self) -> bool:
        return self._job is not None

    def begin(self, job: RolloutJob, observers: Sequence[Observer]) -> None:
        start_s = self._clock.monotonic()
        self.obs, self._info = self.world.reset(seed=job.seed, options={"scenario": job.scenario})
        self._job, self._observers = job, observers
        self._drawn = self._info.get("drawn") or {}
        fps, max_steps = self._limits
        # A scenario may give more or less time than the world it is driven in was made with.
        self._tally, self._tick = Tally(fps, int(getattr(self.world, "max_steps", max_steps))), 0
        self._execution = start_execution(self._policy, self._latency)
        self.inference_s = []
        self._earlier.clear()
        for observer in observers:
            observer.begin(job, self.world, self.obs, self._info)
        self.wall_s = self._clock.monotonic() - start_s

    def offer(self, chunk: np.ndarray) -> None:
        self._execution.offer(chunk)

    def step(self) -> tuple[RolloutJob, RolloutRecord] | None:
        """One control tick; what was driven, when that ended it."""
        start_s = self._clock.monotonic()
        action = self._execution.next()
        if np.isfinite(action).all():
            ended = self._execute(np.clip(action, self._low, self._high))
        else:
            self._tally.break_off(NON_FINITE_ACTION)
            ended = True
        self.wall_s += self._clock.monotonic() - start_s
        return self._finish() if ended else None

    def _execute(self, action: np.ndarray) -> bool:
        for observer in self._observers:
            observer.tick(self._tick, self.world, self.obs, action, self._info)
        if self._earlier.maxlen:
            self._earlier.append(deepcopy(self.obs))  # a world may draw into the same array again
        self.obs, _, terminated, truncated, self._info = self.world.step(action)
        self._tick += 1
        return self._tally.add(
            self.world, action, terminated=terminated, truncated=truncated, info=self._info
        )

    def _finish(self) -> tuple[RolloutJob, RolloutRecord]:
        job, self._job = self._job, None
        assert job is not None
        p50_s, p99_s = np.percentile(self.inference_s, (50, 99))
        record = RolloutRecord(
            seed=job.seed,
            scenario=job.scenario,
            outcome=self._tally.outcome(),
            policy=self._digest,
            wall_s=round(self.wall_s, 4),
            inference_p50_ms=round(1e3 * float(p50_s), 3),
            inference_p99_ms=round(1e3 * float(p99_s), 3),
            lockstep=self._lockstep,
            metrics=self._execution.metrics(),
            drawn=self._drawn,
        )
        for observer in self._observers:
            observer.end(record, self.world, self.obs, self._info)
        return job, record


def _plan(active: Sequence[_Slot], policy: Policy, rows: int, clock: Clock) -> None:
    """One forward pass for all drives that run, filled up to `rows`."""
    start_s = clock.monotonic()
    observations = [slot.seen for slot in active]
    observations += [observations[0]] * (rows - len(active))
    chunks = policy.predict_chunks(observations)
    shape = active[0].chunk_shape
    if chunks.shape != (rows, *shape):
        raise CheckpointError(
            expected(
                "policy",
                "predicted chunks (worlds, chunk size, actions)",
                chunks.shape,
                str((rows, *shape)),
            )
        )
    pass_s = clock.monotonic() - start_s
    for slot, chunk in zip(active, chunks, strict=False):
        slot.inference_s.append(pass_s)
        slot.wall_s += pass_s / len(active)
        slot.offer(chunk)
