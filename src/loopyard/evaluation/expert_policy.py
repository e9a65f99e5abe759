"""The world's own expert, driven and counted as a policy is.

An expert looks at the truth, which no observation holds. So its worlds show it: `ShowsTruth` adds
it to what a drive sees, and nothing else of the closed loop, its observers or its records differs.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError
from loopyard.experts.expert import Expert
from loopyard.policies.policy import Observation
from loopyard.worlds.wrapped import Wrapped

EXPERT = "expert"
"""What ``--policy expert`` names."""

TRUTH_KEY = "truth"
BUILT_IN_PACKAGE = "loopyard.experts"


class ShowsTruth(Wrapped):
    """A world whose observations hold its truth as well; in all else the world itself."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        obs, info = self._world.reset(seed=seed, options=options)
        return self._shown(obs), info

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self._world.step(action)
        return self._shown(obs), reward, terminated, truncated, info

    def _shown(self, obs: dict[str, Any]) -> dict[str, Any]:
        return {**obs, TRUTH_KEY: self._world.truth()}


class ExpertPolicy:
    """One action at a time, from the truth in the observation."""

    chunk_size = 1
    n_action_steps = 1

    def __init__(self, expert: Expert) -> None:
        self._expert = expert

    def reset(self) -> None:
        pass

    def act(self, obs: Observation) -> np.ndarray:
        return np.asarray(self._expert.act(obs[TRUTH_KEY]), np.float32)

    def predict_chunk(self, obs: Observation) -> np.ndarray:
        return self.act(obs)[None]

    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        return np.stack([self.predict_chunk(obs) for obs in observations])


def expert_digest(world: str, expert: str | None) -> str:
    """16 hex digits of the code that drives, so that an older expert's drives are not taken for it.

    It is the module of ``expert``, of the user's world that brings one along, or the built-in ones.

    Raises:
        ConfigError: there is no such module.
    """
    path = expert or (world if ":" in world else BUILT_IN_PACKAGE)
    name = path.partition(":")[0]
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        raise ConfigError(f"expert: {path}: cannot find the module '{name}'")
    source = Path(spec.origin)
    files = sorted(source.parent.glob("*.py")) if source.name == "__init__.py" else [source]
    digest = hashlib.sha256(path.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
