"""The reach world with a known failure boundary: nothing moves where a + b is above 1."""

from __future__ import annotations

from typing import Any

from reach_world import ReachWorld


class SlopeWorld(ReachWorld):
    """a, b: what decides; c: what does not. edge: the sum above which the drive fails. hazard:
    where it is "glass", each tick of a drive with a above 0.5 breaks a safety rule."""

    def __init__(
        self, a: float = 0.2, b: float = 0.2, c: float = 0.5, edge: float = 1.0, hazard: str = "no"
    ) -> None:
        super().__init__()
        self.own: dict[str, Any] = {"a": a, "b": b, "c": c, "edge": edge, "hazard": hazard}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        scenario = (options or {}).get("scenario")
        self.own |= scenario.params if scenario is not None else {}
        obs, info = super().reset(seed=seed)
        self.glued = self.own["a"] + self.own["b"] > self.own["edge"]
        return obs, info

    def step(self, action):
        obs, reward, terminated, truncated, info = super().step(action)
        if self.own["hazard"] == "glass" and self.own["a"] > 0.5:
            info["events"] |= {"violation_glass_contact": 1}
        return obs, reward, terminated, truncated, info
