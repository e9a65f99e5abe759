"""Asynchronous execution: the running chunk is driven while the next one is predicted.

A chunk that begins with the observation of tick t and comes k ticks later speaks of the ticks t,
t + 1, ...; the first k of them are past and their actions are dropped. So do LeRobot's asynchronous
inference (Shukor et al. 2025, arXiv:2506.01844) and, beneath its inpainting, which needs a policy
that denoises, real-time chunking (Black et al. 2025, arXiv:2506.07339).

When the next chunk is late, the running one is driven to its end; then the robot is given zeros,
which our worlds take for standing still, until the chunk comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.policies.policy import HISTORY_KEY, Observation, Policy

REMEMBERED = 10
"""So many predictions tell how long the next may take: the longest of them."""


def ticks_between(n_action_steps: int, chunk_size: int, delay_ticks: int) -> int:
    """Ticks from the beginning of one prediction to the next one's.

    ``n_action_steps``; fewer where a chunk would end before the next one comes, and never fewer
    than a prediction takes.
    """
    return max(1, delay_ticks, min(n_action_steps, chunk_size - delay_ticks))


@dataclass
class Timeliness:
    """How the ticks of a drive came by their actions.

    planned_ticks: by a chunk. starting_ticks: before the first chunk came. late_ticks: after it,
    without an action of a chunk. Ages: ticks since the observation that a planned action rests on.
    """

    planned_ticks: int = 0
    starting_ticks: int = 0
    late_ticks: int = 0
    age_sum_ticks: int = 0
    age_max_ticks: int = 0

    def count(self, age_ticks: int | None) -> None:
        """age_ticks: None for a tick without an action of a chunk."""
        if age_ticks is not None:
            self.planned_ticks += 1
            self.age_sum_ticks += age_ticks
            self.age_max_ticks = max(self.age_max_ticks, age_ticks)
        elif self.planned_ticks:
            self.late_ticks += 1
        else:
            self.starting_ticks += 1

    def metrics(self) -> dict[str, float | None]:
        """As a rollout's metrics; the age is a mean, None where no action was planned."""
        planned = self.planned_ticks
        return {
            "starting_ticks": float(self.starting_ticks),
            "late_ticks": float(self.late_ticks),
            "observation_age_ticks": self.age_sum_ticks / planned if planned else None,
        }


class AlignedChunks:
    """The newest chunk of a drive, on the clock of its control ticks. action_size: A."""

    def __init__(self, action_size: int) -> None:
        self.timeliness = Timeliness()
        self._nothing = np.zeros(action_size, np.float32)
        self._chunk = np.empty((0, action_size), np.float32)
        self._begun = 0

    def take(self, chunk: np.ndarray, begun: int) -> None:
        """chunk: (K, A) float32, predicted from the observation of tick `begun`."""
        self._chunk, self._begun = chunk, begun

    def action(self, tick: int) -> np.ndarray:
        """(A,) float32: what the newest chunk says of `tick`; zeros where it says nothing."""
        age = tick - self._begun
        if age >= len(self._chunk):
            self.timeliness.count(None)
            return self._nothing.copy()
        self.timeliness.count(age)
        return self._chunk[age]


class AsynchronousPolicy:
    """A policy whose ``act`` never waits: predictions run in a thread of their own.

    ``act`` must be called once each control tick: the number of calls since ``reset`` is the clock
    that chunks are aligned to. A chunk is taken at the first tick that finds it ready, so the first
    actions of a drive are zeros. A prediction begins every ``n_action_steps`` ticks, or earlier and
    without a pause where predictions take long (`ticks_between`).

    For a real robot, or a real clock: in simulation `loopyard.evaluation.execution.LatencyModel`
    gives the same drive for a prediction of so many ticks, to the bit and without waiting.

    action_size: A, for the zeros before the first chunk. ``reset`` and ``close`` wait for a
    prediction that is under way, drop it, and leave no thread; use it as a context manager.

    Raises (when made):
        ConfigError: the policy averages overlapping chunks, which needs one at every tick.
    """

    def __init__(self, policy: Policy, action_size: int) -> None:
        coefficient = getattr(policy, "temporal_ensemble", None)
        if coefficient is not None:
            raise ConfigError(expected("asynchronous", "temporal_ensemble", coefficient, "none"))
        self.chunk_size = policy.chunk_size
        self.n_action_steps = policy.n_action_steps
        self._policy = policy
        self._action_size = action_size
        self._earlier: deque[Observation] = deque(maxlen=getattr(policy, "n_obs_steps", 1) - 1)
        self._thread: ThreadPoolExecutor | None = None
        self._coming: Future[np.ndarray] | None = None
        self._start()

    @property
    def timeliness(self) -> Timeliness:
        """Of the drive since ``reset``."""
        return self._chunks.timeliness

    def reset(self) -> None:
        self.close()
        self._policy.reset()
        self._start()

    def act(self, obs: Observation) -> np.ndarray:
        """Raises what a prediction raised, at the tick that finds it failed."""
        tick, self._tick = self._tick, self._tick + 1
        if self._coming is not None and self._coming.done():
            ready, self._coming = self._coming, None
            self._took.append(tick - self._begun)
            self._chunks.take(ready.result(), self._begun)
        if self._coming is None and self._due(tick):
            self._begin(obs, tick)
        if self._earlier.maxlen:
            self._earlier.append(deepcopy(obs))
        return self._chunks.action(tick)

    def predict_chunk(self, obs: Observation) -> np.ndarray:
        return self._policy.predict_chunk(obs)

    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        return self._policy.predict_chunks(observations)

    def close(self) -> None:
        """Nothing of it runs on; ``act`` starts anew."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        self._thread = self._coming = None

    def __enter__(self) -> AsynchronousPolicy:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _start(self) -> None:
        self._chunks = AlignedChunks(self._action_size)
        self._took: deque[int] = deque(maxlen=REMEMBERED)
        self._tick = self._begun = 0
        self._earlier.clear()

    def _due(self, tick: int) -> bool:
        longest = max(self._took, default=0)
        between = ticks_between(self.n_action_steps, self.chunk_size, longest)
        return longest == 0 or tick - self._begun >= between

    def _begin(self, obs: Observation, tick: int) -> None:
        if self._thread is None:
            # One thread that stays: torch keeps its own threads for each that calls it.
            self._thread = ThreadPoolExecutor(1, "prediction")
        seen: dict[str, Any] = deepcopy(obs)  # a world may draw into the same array again
        if self._earlier.maxlen:
            seen[HISTORY_KEY] = tuple(self._earlier)
        self._coming = self._thread.submit(self._policy.predict_chunk, seen)
        self._begun = tick
