"""A world that is made anew for scenarios which the one at hand cannot become.

A world refuses a scenario that changes what an action means, such as another top speed: rightly for
data, which must mean one thing. A policy may be judged there all the same, as on another motor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.worlds.world import World, spec_of
from loopyard.worlds.wrapped import Wrapped


class Remade(Wrapped):
    """The world at hand, or its successor. make: gives the world of a scenario."""

    def __init__(self, world: World, make: Callable[[Scenario], World]) -> None:
        super().__init__(world)
        self._make = make
        self._shape = _shape(world)

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        return self._world.step(action)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """As the world's own.

        Raises:
            WorldError: neither this world nor a new one takes the scenario, or a new one shows or
                takes something else than this (cameras, channels and their limits, rate).
        """
        try:
            return self._world.reset(seed=seed, options=options)
        except WorldError:
            scenario = (options or {}).get("scenario")
            successor = self._make(scenario) if scenario is not None else None
            if successor is None:
                raise
            try:
                if _shape(successor) != self._shape:
                    raise
                result = successor.reset(seed=seed, options=options)
            except BaseException:
                successor.close()
                raise
            self._world.close()
            self._world = successor
            return result


def _shape(world: World) -> tuple[Any, ...]:
    """What a policy is made for: all of the spec but what units the numbers are in."""
    spec = spec_of(world)
    state, action = (
        tuple((channel.name, channel.low, channel.high) for channel in vector.channels)
        for vector in (spec.state, spec.action)
    )
    return spec.fps, spec.cameras, state, action
