"""What workers of the scene test do: a world, and the fingerprint of each scene asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from loopyard.worlds.yard.truth import YardTruth
from loopyard.worlds.yard.world import YardWorld

PARAMS: dict[str, Any] = {"bricks": 4, "furniture": 1, "room_m": 8.0, "cameras": ("ego", "side")}


def fingerprint(*values: Any) -> str:
    """Of observations and truths, to the bit."""
    digest = hashlib.sha256()
    for value in values:
        parts = (
            {field.name: getattr(value, field.name) for field in fields(value)}
            if isinstance(value, YardTruth)
            else value
        )
        for name, part in parts.items():
            digest.update(name.encode())
            digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()


def make_printer() -> Callable[[int], tuple[int, str]]:
    """Draws a scene and drives it for three ticks."""
    world = YardWorld(**PARAMS)

    def print_of(seed: int) -> tuple[int, str]:
        obs, _ = world.reset(seed=seed)
        seen = [obs, world.truth()]
        for _ in range(3):
            obs, *_ = world.step(np.array([0.5, 1.0, 0.0, 0.3]))
            seen += [obs, world.truth()]
        return seed, fingerprint(*seen)

    return print_of
