"""The reach world with failure modes: it becomes whatever the scenario of a reset says."""

from __future__ import annotations

from typing import Any

import numpy as np
from reach_world import ReachWorld


class ModesWorld(ReachWorld):
    """hazard: where it is "glass", each tick breaks a safety rule. adopted: the scenarios taken,
    one after another, without those that were the same as before."""

    def __init__(self, hazard: str = "none", **params: Any) -> None:
        super().__init__(**params)
        self.hazard = hazard
        self.adopted: list[str] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        scenario = (options or {}).get("scenario")
        if scenario is not None:
            own = {"hazard": "none", "glued_every": 0, "max_steps": 20, **scenario.params}
            self.hazard, self.glued_every = own["hazard"], own["glued_every"]
            self.max_steps = own["max_steps"]
            if self.adopted[-1:] != [scenario.digest]:
                self.adopted.append(scenario.digest)
        return super().reset(seed=seed)

    def step(self, action):
        obs, reward, terminated, truncated, info = super().step(action)
        if self.hazard == "glass":
            info["events"] |= {"violation_glass_contact": 1}
        return obs, reward, terminated, truncated, info

    def camera_image(self, name: str, width: int, height: int) -> np.ndarray:
        shade = {"ego": 90, "birds_eye": 160}[name]
        return np.full((height, width, 3), shade, np.uint8)
