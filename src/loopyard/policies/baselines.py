"""Policies that know nothing: what a learned one must beat, and what tests drive with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from loopyard.policies.policy import Observation

CHUNK_SIZE = 20


class ConstantPolicy:
    """The same action at every tick."""

    def __init__(self, action: Sequence[float] | np.ndarray, chunk_size: int = CHUNK_SIZE):
        self.action = np.asarray(action, np.float32)
        self.chunk_size = chunk_size
        self.n_action_steps = chunk_size

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.action.tobytes()).hexdigest()[:16]

    def reset(self) -> None:
        pass

    def act(self, obs: Observation) -> np.ndarray:
        del obs
        return self.action.copy()

    def predict_chunk(self, obs: Observation) -> np.ndarray:
        del obs
        return np.tile(self.action, (self.chunk_size, 1))

    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        return np.tile(self.action, (len(observations), self.chunk_size, 1))


class ZeroPolicy(ConstantPolicy):
    """Stands still."""

    def __init__(self, action_size: int = 4, chunk_size: int = CHUNK_SIZE):
        super().__init__(np.zeros(action_size, np.float32), chunk_size)


class TapePolicy:
    """The same actions in every drive: what is done depends on the tick alone.

    actions: (T, A). One chunk is a whole drive, which is why nothing need be remembered.
    """

    def __init__(self, actions: np.ndarray):
        self.actions = np.ascontiguousarray(actions, np.float32)
        self.chunk_size = self.n_action_steps = len(self.actions)
        self.reset()

    @property
    def digest(self) -> str:
        return hashlib.sha256(b"tape" + self.actions.tobytes()).hexdigest()[:16]

    def reset(self) -> None:
        self._tick = 0

    def act(self, obs: Observation) -> np.ndarray:
        del obs
        action = self.actions[min(self._tick, self.chunk_size - 1)]
        self._tick += 1
        return action.copy()

    def predict_chunk(self, obs: Observation) -> np.ndarray:
        del obs
        return self.actions.copy()

    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        return np.tile(self.actions, (len(observations), 1, 1))


class RandomPolicy:
    """Uniform actions, a pure function of (seed, tick since reset)."""

    def __init__(self, action_size: int = 4, chunk_size: int = CHUNK_SIZE, seed: int = 0):
        self.action_size = action_size
        self.chunk_size = chunk_size
        self.n_action_steps = chunk_size
        self.seed = seed
        self.reset()

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"random {self.action_size} {self.seed}".encode()).hexdigest()[:16]

    def reset(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def act(self, obs: Observation) -> np.ndarray:
        del obs
        return self._rng.uniform(-1, 1, self.action_size).astype(np.float32)

    def predict_chunk(self, obs: Observation) -> np.ndarray:
        return self.predict_chunks([obs])[0]

    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        shape = (len(observations), self.chunk_size, self.action_size)
        return self._rng.uniform(-1, 1, shape).astype(np.float32)
