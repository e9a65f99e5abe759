"""The reach world, as one that refuses scenarios."""

from __future__ import annotations

from typing import Any

from reach_world import ReachWorld

from loopyard.core.errors import WorldError


class StrictWorld(ReachWorld):
    """Takes no other speed than it was made with, and no scene where there is no room."""

    def __init__(self, speed: float = 1.0, room: bool = True, actions: int = 2) -> None:
        super().__init__(actions=actions)
        self.speed, self.room, self.closed = speed, room, False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        scenario = (options or {}).get("scenario")
        wanted = scenario.params.get("speed", 1.0) if scenario else self.speed
        if wanted != self.speed or not self.room:
            raise WorldError(f"speed: found {wanted}, expected {self.speed}")
        return super().reset(seed=seed)

    def close(self):
        self.closed = True
