"""A robot pushed off its heading, and labels that turn it back.

As in M. Bojarski et al., "End to End Learning for Self-Driving Cars" (arXiv:1604.07316): the
picture is moved as the turned camera would see it, and the label is corrected so that the robot is
back on its path after a given time. Small angles only: a shift of the whole picture is right at
infinity and wrong for what is near, and the metres lost sideways are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from loopyard.data.augment.trajectory import Trajectory


@dataclass(frozen=True)
class HeadingSpec:
    """Where a world keeps its heading, counterclockwise positive.

    steering: index of the action channel that turns; radps: rad/s of 1 of it (negative where 1
    turns right). limit: of that channel. angle: (state index, rad of 1 of it), or None; cos_sin:
    (index of the cosine, of the sine), or None; neither where the state does not tell the heading.
    """

    steering: int
    radps: float
    limit: float = 1.0
    angle: tuple[int, float] | None = None
    cos_sin: tuple[int, int] | None = None


def perturb_heading(
    drive: Trajectory,
    heading: HeadingSpec,
    *,
    fps: int,
    std_rad: float,
    recover_s: float,
    rng: np.random.Generator,
) -> Trajectory:
    """The drive with a heading that is off by about ``std_rad``: ``turned`` says by how much.

    The offset begins at 0, is pushed at random at every tick, and decays over ``recover_s`` as the
    label steers against it.

    Invariants: the offset changes by exactly what executed steering has more than the recording's,
    times ``radps / fps``; the label differs from the recording's against the offset alone, by
    offset / (radps * recover_s), up to the channel's limit; without pushes nothing changes.
    """
    length, per_tick = len(drive), heading.radps / fps
    keep = 1 - min(1.0, 1 / (recover_s * fps))
    pushes = rng.normal(0, std_rad * math.sqrt(1 - keep**2), length)
    action, executed = drive.action.copy(), drive.executed.copy()
    limit, channel = heading.limit, heading.steering
    offset = np.zeros(length)
    for tick in range(length):
        back = (1 - keep) * offset[tick] / per_tick
        action[tick, channel] = np.clip(drive.action[tick, channel] - back, -limit, limit)
        was = drive.executed[tick, channel]
        executed[tick, channel] = np.clip(was - back + pushes[tick] / per_tick, -limit, limit)
        if tick + 1 < length:
            offset[tick + 1] = offset[tick] + (executed[tick, channel] - was) * per_tick
    return replace(
        drive,
        state=_turned(drive.state, heading, offset),
        action=action,
        executed=executed,
        turned=drive.turned + offset,
    )


def _turned(state: np.ndarray, heading: HeadingSpec, offset: np.ndarray) -> np.ndarray:
    state = state.copy()
    if heading.angle is not None:
        index, unit = heading.angle
        turned = state[:, index] * unit + offset
        wrapped = (turned + math.pi) % (2 * math.pi) - math.pi
        state[:, index] = np.where(np.abs(turned) > math.pi, wrapped, turned) / unit
    if heading.cos_sin is not None:
        cos, sin = heading.cos_sin
        was = state[:, cos] + 1j * state[:, sin]
        now = was * np.exp(1j * offset)
        state[:, cos], state[:, sin] = now.real, now.imag
    return state


def focal_px(width: int, fov_deg: float) -> float:
    """Of a pinhole camera whose picture is ``width`` pixels and ``fov_deg`` degrees wide."""
    return width / 2 / math.tan(math.radians(fov_deg) / 2)
