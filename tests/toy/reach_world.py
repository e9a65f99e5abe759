"""A point that has to reach a target: thousands of ticks a second, and learned in seconds."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np

from loopyard.worlds.randomisation import Parameter, draw

SPEED = 0.25
REACH = 0.2
SIZE = 24


class ReachWorld(gymnasium.Env):
    """The state is the way to the target and the place.

    glued_every: every so many seeds nothing moves, so that the drive fails; 0 never.
    max_steps: the time limit. sleep_s: a pause at each reset, for tests that stop a command.
    actions: size of the action, of which two move.
    """

    metadata = {"render_fps": 10}  # noqa: RUF012  (Gymnasium's own form)
    task = "reach the target"
    randomisation_table = (Parameter("speed", "physical", 1.0, 0.5, 1.5),)

    def __init__(
        self, glued_every: int = 0, max_steps: int = 20, sleep_s: float = 0.0, actions: int = 2
    ) -> None:
        self.glued_every, self.max_steps, self.sleep_s = glued_every, max_steps, sleep_s
        self.observation_space = gymnasium.spaces.Dict(
            {
                "observation.images.ego": gymnasium.spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8),
                "observation.state": gymnasium.spaces.Box(-4, 4, (4,), np.float32),
            }
        )
        self.action_space = gymnasium.spaces.Box(-1, 1, (actions,), np.float32)
        self.actions = actions

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        time.sleep(self.sleep_s)
        scenario = (options or {}).get("scenario")
        for name in ("glued_every", "max_steps"):
            if scenario is not None and name in scenario.params:
                setattr(self, name, scenario.params[name])
        randomise = scenario.randomise if scenario is not None else None
        own = np.random.default_rng([1, seed or 0])
        drawn = draw(randomise, self.randomisation_table, own) if randomise else {}
        self.pace = SPEED * float(np.asarray(drawn.get("speed", 1.0)))
        rng = np.random.default_rng(seed)
        self.place = rng.uniform(-1, 1, 2)
        turn = rng.uniform(0, 2 * np.pi)
        self.target = self.place + rng.uniform(0.6, 1.2) * np.array([np.cos(turn), np.sin(turn)])
        self.glued = bool(self.glued_every) and (seed or 0) % self.glued_every == 0
        self.outcome_reason = "glued" if self.glued else None
        return self._observe(), {"success": False, "progress": 0.0, "drawn": drawn}

    def step(self, action):
        if not self.glued:
            self.place = self.place + self.pace * np.asarray(action, np.float64)[:2]
        left = float(np.linalg.norm(self.target - self.place))
        info = {"success": left < REACH, "progress": max(0.0, 1 - left), "events": {"move": 1}}
        return self._observe(), 0.0, left < REACH, False, info

    def truth(self):
        return np.concatenate([self.target - self.place, self.place])

    def snapshot(self):
        return self.place.copy()

    def restore(self, snapshot):
        self.place = snapshot.copy()

    def make_expert(self):
        return ReachExpert(self.actions)

    def _observe(self):
        image = np.full((SIZE, SIZE, 3), (60, 90, 60), np.uint8)
        for place, colour in ((self.target, (220, 40, 40)), (self.place, (250, 250, 250))):
            row, column = np.clip(SIZE / 2 + 4 * place, 1, SIZE - 2).astype(int)
            image[row - 1 : row + 2, column - 1 : column + 2] = colour
        return {
            "observation.images.ego": image,
            "observation.state": np.clip(self.truth(), -4, 4).astype(np.float32),
        }


class ReachExpert:
    """Straight at the target."""

    def __init__(self, actions: int = 2) -> None:
        self._actions = actions

    def act(self, truth):
        action = np.zeros(self._actions, np.float32)
        action[:2] = np.clip(truth[:2] / SPEED, -1, 1)
        action[2:] = action[0] / 2
        return action

    def phase(self, truth):
        return "near" if np.linalg.norm(truth[:2]) < 0.5 else "far"


class LostExpert:
    """Stands still."""

    def act(self, truth):
        return np.zeros(2, np.float32)
