"""Drives by hand, for tests of what happens to bricks."""

from __future__ import annotations

from collections import Counter

import numpy as np

STOP, AHEAD = np.zeros(4), np.array([0.0, 1.0, 0.0, 0.0])
CURL, OPEN = np.array([0.0, 0.2, 1.0, 0.0]), np.array([0.0, 0.0, -1.0, 0.0])
CLUSTERED = {"brick_places": "clustered", "bricks": 20, "bucket_capacity": 4}


def put_loader(world, place, yaw_rad: float) -> None:
    body = world._body
    at = body._loader_q
    body.data.qpos[at : at + 2] = place
    body.data.qpos[at + 3 : at + 7] = np.cos(yaw_rad / 2), 0, 0, np.sin(yaw_rad / 2)
    body.data.qvel[:] = 0


def put_before(world, brick: np.ndarray, distance_m: float) -> None:
    """The loader in front of a brick, on the side of the room's middle, looking at it."""
    away = np.arctan2(brick[1], brick[0])
    put_loader(world, brick[:2] - distance_m * np.array([np.cos(away), np.sin(away)]), away)


def hold(world, action, ticks: int) -> Counter[str]:
    events = Counter()
    for _ in range(ticks):
        *_, info = world.step(action)
        events.update(info["events"])
    return events
