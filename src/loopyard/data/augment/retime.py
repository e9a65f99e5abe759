"""The same path at another speed: velocities rescaled so that the path stays the path.

Kinematic: right where the action is a velocity that the robot follows within a tick or two. What
takes its own time (a brick that slides, an arm that swings) is not slowed with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from loopyard.data.augment.trajectory import Trajectory

WARP_KNOT_S = 1.0
"""The speed of a time warp changes over about so many seconds."""


@dataclass(frozen=True)
class Velocities:
    """Which channels are velocities: state (S,) and action (A,) bool; limits: (A,), symmetric."""

    state: np.ndarray
    action: np.ndarray
    limits: np.ndarray


def constant_rates(length: int, speed: float) -> np.ndarray:
    """(length,) float64: every tick of the recording at ``speed`` times its pace."""
    return np.full(length, float(speed))


def warped_rates(length: int, most: float, fps: int, rng: np.random.Generator) -> np.ndarray:
    """(length,) float64 between 1 / (1 + most) and 1 + most, changing smoothly over time."""
    knots = rng.uniform(-1, 1, max(2, round(length / (fps * WARP_KNOT_S)) + 1))
    smooth = np.interp(np.linspace(0, len(knots) - 1, length), np.arange(len(knots)), knots)
    return np.exp(smooth * np.log1p(most))


def within_limits(drive: Trajectory, rates: np.ndarray, velocities: Velocities) -> np.ndarray:
    """The rates, lowered to what the limits of the velocity channels leave room for.

    A tick that is driven at half a channel's limit may be driven at up to twice its speed.
    """
    chosen = velocities.action
    driven = np.maximum(np.abs(drive.action), np.abs(drive.executed))[:, chosen]
    room = velocities.limits[chosen] / np.maximum(driven, 1e-9)
    return np.minimum(rates, np.maximum(room.min(axis=1, initial=np.inf), 1e-3))


def retime(drive: Trajectory, rates: np.ndarray, velocities: Velocities) -> Trajectory:
    """The drive with tick i taking 1 / rates[i] ticks. rates: (T,), positive.

    Invariants: the sum over time of every velocity channel (the displacement) is that of the
    recording, in action and executed alike; no velocity exceeds the largest of ``action * rates``;
    every picture, with its state, is one that was recorded, the nearest in time; the order stays.
    Rates of 1 change nothing, and half speed is undone by double speed.
    """
    ends = np.concatenate([[0.0], np.cumsum(1 / rates)])
    ticks = np.arange(max(1, int(np.ceil(ends[-1] - 1e-6))) + 1)
    place = np.interp(ticks, ends, np.arange(len(ends)))  # in ticks of the recording
    place[-1] = len(drive)
    seen = np.minimum(np.floor(place[:-1] + 0.5).astype(np.int64), len(drive) - 1)
    forced = np.minimum(np.floor(place[:-1]).astype(np.int64), len(drive) - 1)
    state = drive.state[seen]
    state[:, velocities.state] *= rates[seen, None]

    def rescaled(values: np.ndarray) -> np.ndarray:
        path = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(0, np.float64)])
        out = values[forced]
        for channel in np.flatnonzero(velocities.action):
            at = np.interp(place, np.arange(len(path)), path[:, channel])
            out[:, channel] = np.diff(at)
        return out

    return replace(
        drive,
        state=state,
        action=rescaled(drive.action),
        executed=rescaled(drive.executed),
        phases=tuple(drive.phases[tick] for tick in seen),
        source=drive.source[seen],
        turned=drive.turned[seen],
    )
