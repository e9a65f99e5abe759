"""Drives drawn with a pen: traces of 30 s whose every signal is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from loopyard.evaluation.trace import Trace

FPS, TICKS = 10, 300
SECONDS = np.arange(TICKS + 1) / FPS
REACH_M = 0.66
NAMES = ("steering", "throttle", "bucket", "lift")
CALM: dict[str, Any] = {
    "x_m": 0.0,
    "y_m": 0.0,
    "yaw_rad": 0.0,
    "lift": 0.0,
    "bucket": 0.0,
    "load": 0.0,
    "delivered": 0.0,
    "in_mouth": 0.0,
    "nearest_m": 3.0,
    "nearest_rad": 2.0,
    "obstacle_m": math.inf,
    "boundary_m": 2.0,
    "touching_boundary": 0.0,
    "touching_furniture": 0.0,
    "touching_goal": 0.0,
}
"""Standing in the middle, a target behind."""


def trace(
    actions: np.ndarray | None = None,
    *,
    without: tuple[str, ...] = (),
    events: dict[str, int] | None = None,
    stride: int = 10,
    **signals: Any,
) -> Trace:
    """signals: a number, or (TICKS + 1,) of them, in place of `CALM`. events: {name: tick}."""
    kept = {name: value for name, value in {**CALM, **signals}.items() if name not in without}
    rows = [np.broadcast_to(np.asarray(value, float), TICKS + 1) for value in kept.values()]
    happened = np.zeros((TICKS, len(events or {})), np.int16)
    for column, tick in enumerate((events or {}).values()):
        happened[tick, column] = 1
    rng = np.random.default_rng(0)
    return Trace(
        FPS,
        rng.normal(0.0, 0.2, (TICKS, 4)).astype(np.float32) if actions is None else actions,
        NAMES,
        np.stack(rows, axis=1).astype(np.float32),
        tuple(kept),
        happened,
        tuple(events or {}),
        stride,
        {
            "reach_m": np.array(REACH_M),
            "capacity": np.array(1),
            "targets_m": np.array([[-3.0, 0.0]]),
            "goal_m": np.array([-2.0, -2.0, 0.0, 0.5, 0.5]),
            "solids_m": np.zeros((0, 5)),
            "bounds_m": np.array([-3.0, -3.0, 3.0, 3.0]),
        },
    )


def from_s(begin: float, value: float = 1.0, before: float = 0.0) -> np.ndarray:
    """`value` from a second on."""
    return np.where(begin <= SECONDS, value, before)


def between(begin: float, end: float, value: float = 1.0) -> np.ndarray:
    return np.where((begin <= SECONDS) & (end > SECONDS), value, 0.0)


def full_throttle() -> np.ndarray:
    actions = np.zeros((TICKS, 4), np.float32)
    actions[:, 1] = np.random.default_rng(1).uniform(0.6, 1.0, TICKS)
    return actions


def rambling() -> dict[str, np.ndarray]:
    """A spiral outwards: never twice at the same place."""
    radius, angle = 0.3 + 0.08 * SECONDS, 0.35 * SECONDS
    return {
        "x_m": radius * np.cos(angle),
        "y_m": radius * np.sin(angle),
        "yaw_rad": angle + math.pi / 2,
    }


def circle(turn_radps: float) -> dict[str, np.ndarray]:
    angle = turn_radps * SECONDS
    return {"x_m": np.cos(angle), "y_m": np.sin(angle), "yaw_rad": angle + math.pi / 2}


def late(begin: float, way: np.ndarray) -> np.ndarray:
    """Waits until a second, then goes that way."""
    return way[np.maximum(np.arange(TICKS + 1) - round(begin * FPS), 0)]
