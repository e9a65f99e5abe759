"""Wrapped: a world around another one, which is the other in all that it does not change."""

from __future__ import annotations

from typing import Any


class Wrapped:
    """Passes on what it does not define itself to the world in ``_world``."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        if name == "_world":  # not there yet: unpickled, or copied
            raise AttributeError(name)
        return getattr(self._world, name)

    @property
    def unwrapped(self) -> Any:
        return getattr(self._world, "unwrapped", self._world)
