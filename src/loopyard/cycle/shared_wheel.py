"""The wheel of a labelled rollout: who drives, what the expert says of it, when it is enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from loopyard.core.seeds import stream
from loopyard.experts.expert import Expert

STRETCH_S = 2.0
"""How long the policy or the expert keeps the wheel before the choice is drawn again."""
NO_PROGRESS = "no_progress"
"""Why a drive ended whose patience was over."""


class SharedWheel:
    """A world in which, by stretches, the expert drives instead of the action that is given.

    patience_s: a drive whose ``info["progress"]`` did not rise for so long is truncated, with the
    reason `NO_PROGRESS`: what a robot that is lost for half a minute shows, it shows in the first
    seconds. None: it lasts as long as the world says.
    """

    def __init__(
        self, world: Any, expert: Expert, share: float, fps: int, patience_s: float | None = None
    ) -> None:
        self.world, self.expert = world, expert
        self._share, self._stretch = share, max(1, round(STRETCH_S * fps))
        self._patience = None if patience_s is None else max(1, round(patience_s * fps))
        self.executed = np.zeros(0, np.float32)
        self.label = np.zeros(0, np.float32)
        self.phase = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def reset(self, *, seed: int, options: dict[str, Any]) -> Any:
        self._rng = stream("shared-wheel", seed)
        self._tick, self._expert_drives = 0, False
        obs, info = self.world.reset(seed=seed, options=options)
        self._progress, self._risen_at = float(info.get("progress", 0.0)), 0
        return obs, info

    def choose(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(label, executed) of this tick, both (A,) float32; once a tick, before `step`."""
        if self._tick % self._stretch == 0:
            self._expert_drives = bool(self._rng.random() < self._share)
        self._tick += 1
        truth = self.world.truth()
        self.label = np.asarray(self.expert.act(truth), dtype=np.float32)
        self.phase = getattr(self.expert, "phase", _no_phase)(truth)
        self.executed = self.label if self._expert_drives else action
        return self.label, self.executed

    def step(self, action: np.ndarray) -> Any:
        obs, reward, terminated, truncated, info = self.world.step(self.executed)
        if not (terminated or truncated) and self._is_lost(info):
            truncated, info = True, {**info, "reason": NO_PROGRESS}
        return obs, reward, terminated, truncated, info

    def _is_lost(self, info: dict[str, Any]) -> bool:
        progress = float(info.get("progress", 0.0))
        if progress > self._progress:
            self._progress, self._risen_at = progress, self._tick
        return self._patience is not None and self._tick - self._risen_at >= self._patience


def _no_phase(truth: Any) -> str:
    return ""
