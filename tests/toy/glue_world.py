"""A world of one dot that has to reach a target: thousands of ticks a second."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

SPEED = 0.1
REACH = 0.15


class GlueWorld(gymnasium.Env):
    """The state is the way to the target. Every fifth seed has glue: no way to move."""

    metadata = {"render_fps": 10}  # noqa: RUF012  (Gymnasium's own form)
    max_steps = 40
    task = "reach the target"

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Dict(
            {
                "observation.images.ego": gymnasium.spaces.Box(0, 255, (16, 16, 3), np.uint8),
                "observation.state": gymnasium.spaces.Box(-4, 4, (2,), np.float32),
            }
        )
        self.action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
        self.closed = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        rng = np.random.default_rng(seed)
        self.place = np.zeros(2)
        self.target = rng.uniform(-1, 1, 2)
        self.glued = seed is not None and seed % 5 == 0
        self.outcome_reason = None
        return self._observe(), {"success": False, "progress": 0.0, "events": {}}

    def step(self, action):
        if not self.glued:
            self.place = self.place + SPEED * np.asarray(action, np.float64)
        elif np.abs(action).max() > 0.5:
            self.outcome_reason = "glued"
        left = float(np.linalg.norm(self.target - self.place))
        success = left < REACH
        info = {"success": success, "progress": max(0.0, 1 - left), "events": {"move": 1}}
        return self._observe(), 0.0, success, False, info

    def truth(self):
        return self.target - self.place

    def snapshot(self):
        return self.place.copy(), self.outcome_reason

    def restore(self, snapshot):
        self.place, self.outcome_reason = snapshot[0].copy(), snapshot[1]

    def close(self):
        self.closed = True

    def _observe(self):
        image = np.zeros((16, 16, 3), np.uint8)
        row, column = np.clip(8 + 5 * self.place, 0, 15).astype(int)
        image[row, column] = 255
        way = (self.target - self.place).astype(np.float32)
        return {"observation.images.ego": image, "observation.state": way}


class Homing:
    """Drives straight at the target."""

    chunk_size = 6

    def __init__(self, n_action_steps: int = 2, temporal_ensemble: float | None = None) -> None:
        self.n_action_steps = n_action_steps
        self.temporal_ensemble = temporal_ensemble
        self.batches: list[int] = []

    def reset(self) -> None:
        pass

    def act(self, obs):
        return self.predict_chunk(obs)[0]

    def predict_chunk(self, obs):
        return self.predict_chunks([obs])[0]

    def predict_chunks(self, observations):
        self.batches.append(len(observations))
        ways = np.stack([obs["observation.state"] for obs in observations])
        # Slows within reach of the target, so that a chunk does not overshoot it.
        actions = np.clip(3 * ways, -1, 1).astype(np.float32)
        return np.repeat(actions[:, None], self.chunk_size, axis=1)
