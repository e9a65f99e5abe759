"""Slabs: boxes that one drives on, laid where a scene wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mujoco
import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.shapes import resize_box

FLOOR_RGBA = ".70 .54 .36 1"
KERB_RGBA = ".55 .53 .50 1"
THICK_M = 0.2
"""Thick enough that nothing is pressed through in a tick, thin enough to be cheap to look at."""

Point = Sequence[float] | np.ndarray


def slab_xml(name: str, rgba: str = FLOOR_RGBA) -> str:
    """A body with one box of floor; `lay` gives it its size and place."""
    return _box_xml(name, f'contype="{m.FLOOR}" conaffinity="0" rgba="{rgba}"')


def kerb_xml(name: str) -> str:
    """A body with one box of kerb, whose touch counts as the boundary's."""
    return _box_xml(f"kerb_{name}", f'class="static" rgba="{KERB_RGBA}"')


def _box_xml(name: str, attributes: str) -> str:
    # A cube: its inertia has no axes of its own, so the inertial frame is the body's.
    return (
        f'<body name="{name}"><geom name="{name}" type="box" size=".1 .1 .1" {attributes}/></body>'
    )


def lay(
    model: mujoco.MjModel,
    name: str,
    centre_m: Point,
    half_m: Point,
    quat: Point = (1.0, 0.0, 0.0, 0.0),
) -> None:
    """Put the box of this name there: middle (3,), half extents (3,), orientation (4,)."""
    geom = model.geom(name).id
    body = model.geom_bodyid[geom]
    model.body_pos[body] = centre_m
    model.body_quat[body] = quat
    resize_box(model, geom, half_m)


def lay_flat(model: mujoco.MjModel, name: str, low_m: Point, high_m: Point) -> None:
    """A level slab whose top is the floor, between two corners (2,)."""
    lay_between(model, name, (*low_m, -THICK_M), (*high_m, 0.0))


def lay_between(model: mujoco.MjModel, name: str, low_m: Point, high_m: Point) -> None:
    """A box between two corners (3,)."""
    low, high = np.asarray(low_m), np.asarray(high_m)
    lay(model, name, (low + high) / 2, (high - low) / 2)


def lay_kerb(
    model: mujoco.MjModel,
    name: str,
    axis: int,
    side_m: float,
    span_m: tuple[float, float],
    over_m: float,
) -> None:
    """A kerb across ``axis`` at ``side_m``, its inner face there, over the other axis' span, and as
    high over a floor of height ``over_m`` as every kerb."""
    tall = (over_m + g.KERB_HEIGHT_M) / 2
    across = math.copysign(abs(side_m) + g.KERB_M / 2, side_m)
    along, long = sum(span_m) / 2, (span_m[1] - span_m[0]) / 2
    flip = slice(None, None, 1 if axis == 0 else -1)
    lay(
        model,
        f"kerb_{name}",
        (*(across, along)[flip], tall),
        (*(g.KERB_M / 2, long)[flip], tall),
    )
