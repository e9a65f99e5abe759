"""The policy protocol: observation in, action out, with its processing inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

Observation = dict[str, Any]
"""As a world gives it: ``observation.images.<camera>`` (H, W, 3) uint8, ``observation.state``
(S,) float32, and ``task`` str where there is one."""

HISTORY_KEY = "history"
"""The observations of the ticks before, oldest first: in the observations of a policy that has an
``n_obs_steps`` above one, at most ``n_obs_steps - 1`` of them."""


def window_of(obs: Observation, n_obs_steps: int) -> list[Observation]:
    """The last observations, oldest first; what was before a drive is its first, once more."""
    seen = [*obs.get(HISTORY_KEY, ()), obs][-n_obs_steps:]
    return [seen[0]] * (n_obs_steps - len(seen)) + seen


@runtime_checkable
class Policy(Protocol):
    """What drives a world. One instance drives one world at a time; ``reset`` begins a drive."""

    chunk_size: int
    n_action_steps: int

    def reset(self) -> None:
        """Forget the running chunk."""
        ...

    def act(self, obs: Observation) -> np.ndarray:
        """(A,) float32 in [-1, 1]: the action of this control tick. Chunks are kept inside."""
        ...

    def predict_chunk(self, obs: Observation) -> np.ndarray:
        """(chunk_size, A) float32 in [-1, 1]. Keeps no memory."""
        ...

    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        """(N, chunk_size, A) float32: `predict_chunk` of many worlds in one forward pass."""
        ...
