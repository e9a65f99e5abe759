"""From a camera's picture to an action: how long a control tick takes, and how many come late."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

import numpy as np

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import ConfigError, expected
from loopyard.core.scenario import Scenario
from loopyard.evaluation.execution import start_execution
from loopyard.policies.policy import Policy
from loopyard.policies.threads import deployed_threads
from loopyard.worlds.world import World, spec_of

PREDICTIONS = 200
WARM_UP = 20


@dataclass(frozen=True)
class TickTimes:
    """Milliseconds of so many ticks: median, 95th and 99th percentile, worst."""

    ticks: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds of ``act``, from the world's observation to the action of one control tick.

    Preprocessing is in it; drawing the picture and moving the world is not. predicting: the ticks
    that begin a chunk. popping: those that give an action of the running one; None where every tick
    predicts. warm_up: the ticks before, which do not count. late_ticks: of `ticks`, those that took
    longer than `budget_ms`, a control tick of the world. threads: torch's, 1 where it is not used.
    """

    ticks: TickTimes
    predicting: TickTimes
    popping: TickTimes | None
    warm_up: TickTimes | None
    late_ticks: int
    budget_ms: float
    n_action_steps: int
    threads: int
    device: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_latency(
    policy: Policy,
    world: World,
    scenes: Sequence[tuple[Scenario, int]],
    *,
    predictions: int = PREDICTIONS,
    warm_up: int = WARM_UP,
    paced: bool = False,
    threads: int = 0,
    clock: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Latency:
    """Drives the scenes, over and over, until `warm_up` and `predictions` chunks were begun.

    The policy runs as it would on a robot: alone, one observation at a time. scenes: of scenarios
    that `world` takes. paced: wait for each tick of the world's rate, as a robot does; else the
    next tick begins at once. threads: torch's; 0: as deployed.

    Raises:
        ConfigError: no scenes.
        CheckpointError, WorldError: as the policy and the world do.
    """
    clock = clock or SystemClock()
    with deployed_threads(threads) as used:
        times_s, begins = _times(
            policy, world, scenes, warm_up + predictions, clock, sleep if paced else None
        )
    return _latency(policy, times_s, begins, warm_up, 1.0 / spec_of(world).fps, used)


def _times(
    policy: Policy,
    world: World,
    scenes: Sequence[tuple[Scenario, int]],
    predictions: int,
    clock: Clock,
    sleep: Callable[[float], None] | None,
) -> tuple[list[float], list[int]]:
    """Seconds of each ``act``, and the places of those that began a chunk."""
    spec = spec_of(world)
    budget_s, stride = 1.0 / spec.fps, start_execution(policy).stride
    low = np.array([channel.low for channel in spec.action.channels], np.float32)
    high = np.array([channel.high for channel in spec.action.channels], np.float32)
    times_s: list[float] = []
    begins: list[int] = []
    due_s = clock.monotonic()
    for scenario, seed in cycle(scenes):
        obs, _ = world.reset(seed=seed, options={"scenario": scenario})
        policy.reset()
        for tick in range(int(getattr(world, "max_steps", spec.max_steps))):
            if tick % stride == 0:
                if len(begins) == predictions:
                    return times_s, begins
                begins.append(len(times_s))
            if sleep is not None:
                sleep(max(0.0, due_s - clock.monotonic()))
            start_s = clock.monotonic()
            action = policy.act(obs)
            times_s.append(clock.monotonic() - start_s)
            due_s = max(due_s, start_s) + budget_s
            obs, _, terminated, truncated, _ = world.step(np.clip(action, low, high))
            if terminated or truncated:
                break
    raise ConfigError(expected("latency", "scenes", len(scenes), "at least one"))


def _latency(
    policy: Policy,
    times_s: list[float],
    begins: list[int],
    warm_up: int,
    budget_s: float,
    threads: int,
) -> Latency:
    """begins: as `_times` gives them; the first `warm_up` of them do not count."""
    first = begins[warm_up]
    predicts = np.isin(np.arange(len(times_s)), begins)[first:]
    warm_ms, times_ms = np.split(1e3 * np.array(times_s), [first])
    every = _tick_times(times_ms)
    assert every is not None
    return Latency(
        ticks=every,
        predicting=_tick_times(times_ms[predicts]) or every,
        popping=_tick_times(times_ms[~predicts]),
        warm_up=_tick_times(warm_ms),
        late_ticks=int((times_ms > 1e3 * budget_s).sum()),
        budget_ms=round(1e3 * budget_s, 3),
        n_action_steps=policy.n_action_steps,
        threads=threads,
        device=str(getattr(policy, "device", "cpu")),
    )


def _tick_times(times_ms: np.ndarray) -> TickTimes | None:
    if not len(times_ms):
        return None
    figures = (*np.percentile(times_ms, (50, 95, 99)), times_ms.max())
    return TickTimes(len(times_ms), *(round(float(figure), 3) for figure in figures))
