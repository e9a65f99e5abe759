"""Start: where a drive begins, at the beginning of a scene or some way into a recorded drive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import WorldError, expected
from loopyard.core.scenario import Scenario


@dataclass(frozen=True)
class Start:
    """A scene, and the actions that lead from its beginning to where the drive begins.

    seed: the scene's; None for the training scene that belongs to the episode's slot.
    actions: (T, A) float32, executed one a tick after the reset; None for none. Worlds are
    deterministic, so the actions that led to a failure lead to the moments before it, exactly, and
    are smaller than any snapshot.
    """

    scenario: Scenario
    seed: int | None = None
    actions: np.ndarray | None = None

    @property
    def ticks(self) -> int:
        return 0 if self.actions is None else len(self.actions)

    @property
    def digest(self) -> str:
        """16 hex digits that name this start."""
        head = json.dumps([self.scenario.digest, self.seed, self.ticks])
        actions = b"" if self.actions is None else np.asarray(self.actions, np.float32).tobytes()
        return hashlib.sha256(head.encode() + actions).hexdigest()[:16]


def starts_digest(starts: Sequence[Start]) -> str:
    """16 hex digits that name several starts in their order."""
    return hashlib.sha256(" ".join(start.digest for start in starts).encode()).hexdigest()[:16]


def begin(world: Any, start: Start, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bring a world to a start; the observation and info of that moment.

    Raises:
        WorldError: the recorded actions end the drive, so they are of another scene or version.
    """
    obs, info = world.reset(seed=seed, options={"scenario": start.scenario})
    if start.actions is None or not len(start.actions):
        return obs, info
    blind = getattr(world, "step_blind", None)
    ended = False
    for number, action in enumerate(start.actions, 1):
        if ended:
            raise WorldError(
                expected(
                    f"start in scene {seed}",
                    "actions",
                    f"the end of the drive after {number - 1} of {start.ticks}",
                    "a drive that goes on",
                )
            )
        if blind is not None and number < start.ticks:
            ended = blind(action)
        else:
            obs, _, terminated, truncated, info = world.step(action)
            ended = terminated or truncated
    if ended:
        raise WorldError(
            expected(f"start in scene {seed}", "actions", "the drive's end", "moments before it")
        )
    return obs, info
