"""How a chunk of predicted actions becomes the action of each control tick, for one drive.

A `ChunkedPolicy` does this inside ``act``; the lockstep drive asks for the chunks of many worlds at
once and so keeps one of these for each of them. A `LatencyModel` has them do as if each prediction
took some ticks: a drive then is what it would be on a robot, and the same to the bit every time.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.policies.asynchronous import AlignedChunks, Timeliness, ticks_between
from loopyard.policies.temporal import TemporalEnsemble

Metrics = dict[str, float | None]


@dataclass(frozen=True)
class LatencyModel:
    """How many control ticks each prediction takes, and what the robot does meanwhile.

    asynchronous: it goes on along its chunk, as `loopyard.policies.asynchronous` says; else it
    waits, holding its last action.

    Raises:
        ConfigError: fewer than no ticks.
    """

    delay_ticks: int
    asynchronous: bool = True

    def __post_init__(self) -> None:
        if self.delay_ticks < 0:
            raise ConfigError(expected("latency", "delay_ticks", self.delay_ticks, "0 or more"))

    @classmethod
    def of_ms(cls, delay_ms: float, fps: int, *, asynchronous: bool) -> LatencyModel:
        """The ticks of a world with `fps` after which a prediction of `delay_ms` is there."""
        if not (math.isfinite(delay_ms) and delay_ms >= 0):
            raise ConfigError(expected("latency", "delay_ms", delay_ms, "0 or more"))
        return cls(math.ceil(round(delay_ms * fps / 1000, 6)), asynchronous)


class Execution(Protocol):
    """Takes a chunk whenever `stride` actions are used up, and gives one action a tick."""

    stride: int

    def offer(self, chunk: np.ndarray) -> None:
        """chunk: (K, A) float32, predicted from the observation of this tick."""
        ...

    def next(self) -> np.ndarray:
        """(A,) float32: the action of this tick."""
        ...

    def metrics(self) -> Metrics:
        """What a latency model did to the drive; {} without one."""
        ...


class ChunkQueue:
    """The first `stride` actions of each chunk, then the next chunk."""

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self._chunk = np.empty((0, 0), np.float32)
        self._used = 0

    def offer(self, chunk: np.ndarray) -> None:
        self._chunk, self._used = chunk, 0

    def next(self) -> np.ndarray:
        action = self._chunk[self._used]
        self._used += 1
        return action

    def metrics(self) -> Metrics:
        return {}


class Ensemble:
    """A chunk every tick, and the weighted mean of all that speak of it."""

    stride = 1

    def __init__(self, coefficient: float, chunk_size: int) -> None:
        self._ensemble = TemporalEnsemble(coefficient, chunk_size)
        self._action = np.empty(0, np.float32)

    def offer(self, chunk: np.ndarray) -> None:
        self._action = self._ensemble.update(chunk)

    def next(self) -> np.ndarray:
        return self._action

    def metrics(self) -> Metrics:
        return {}


class Asynchronous:
    """Each chunk from `delay_ticks` after it was offered, without the actions that are past."""

    def __init__(self, n_action_steps: int, chunk_size: int, delay_ticks: int) -> None:
        self.stride = ticks_between(n_action_steps, chunk_size, delay_ticks)
        self._delay_ticks = delay_ticks
        self._coming: deque[tuple[int, np.ndarray]] = deque()
        self._chunks: AlignedChunks | None = None
        self._tick = 0

    def offer(self, chunk: np.ndarray) -> None:
        if self._chunks is None:
            self._chunks = AlignedChunks(chunk.shape[1])
        self._coming.append((self._tick, chunk))

    def next(self) -> np.ndarray:
        assert self._chunks is not None
        tick, self._tick = self._tick, self._tick + 1
        while self._coming and tick - self._coming[0][0] >= self._delay_ticks:
            begun, chunk = self._coming.popleft()
            self._chunks.take(chunk, begun)
        return self._chunks.action(tick)

    def metrics(self) -> Metrics:
        return {} if self._chunks is None else self._chunks.timeliness.metrics()


class Blocking:
    """Waits `delay_ticks` for each chunk, then gives its first `n_action_steps` actions.

    While it waits, the robot holds its last action; zeros before the first.
    """

    def __init__(self, n_action_steps: int, delay_ticks: int) -> None:
        self.stride = delay_ticks + n_action_steps
        self._delay_ticks = delay_ticks
        self._chunk = np.empty((0, 0), np.float32)
        self._held = np.empty(0, np.float32)
        self._age = 0
        self._timeliness = Timeliness()

    def offer(self, chunk: np.ndarray) -> None:
        if not len(self._chunk):
            self._held = np.zeros_like(chunk[0])
        self._chunk, self._age = chunk, 0

    def next(self) -> np.ndarray:
        age, self._age = self._age, self._age + 1
        waiting = age < self._delay_ticks
        if not waiting:
            self._held = self._chunk[age - self._delay_ticks]
        self._timeliness.count(None if waiting else age)
        return self._held

    def metrics(self) -> Metrics:
        return self._timeliness.metrics()


def start_execution(policy: Any, latency: LatencyModel | None = None) -> Execution:
    """A fresh execution as the policy asks: its ``temporal_ensemble`` where set, else a queue.

    Raises:
        ConfigError: `latency` with an ensemble, which needs a prediction at every tick; or one
            after which nothing of a chunk is left to execute.
    """
    coefficient = getattr(policy, "temporal_ensemble", None)
    steps, chunk_size = int(policy.n_action_steps), int(policy.chunk_size)
    if latency is None:
        return (
            ChunkQueue(steps) if coefficient is None else Ensemble(float(coefficient), chunk_size)
        )
    if coefficient is not None:
        raise ConfigError(expected("latency", "temporal_ensemble", coefficient, "none"))
    if not latency.asynchronous:
        return Blocking(steps, latency.delay_ticks)
    if latency.delay_ticks >= chunk_size:
        wanted = f"less than the policy's chunk of {chunk_size} actions"
        raise ConfigError(expected("latency", "delay_ticks", latency.delay_ticks, wanted))
    return Asynchronous(steps, chunk_size, latency.delay_ticks)
