"""What of the yard the camera can tell: which bricks are near, in the picture and uncovered.

A label must be predictable from the observation, so the expert may not know of a brick that is
smaller in the picture than the policy can make out. Where the picture shows a brick across the
whole room, nothing here limits the expert.
"""

from __future__ import annotations

import math

import numpy as np

from loopyard.experts.steering import between
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.truth import YardTruth

CLEAR_PX, BARELY_PX = 2.5, 1.7
"""A brick so wide counts as seen. One across the room may be a little narrower before the expert
patrols for it: in `starter` it is, and policies clear that yard by turning on the spot."""
EDGE_PX = 2.0
"""Nearer than this to the picture's edge, a brick's middle does not count as seen."""
SHRUNK_M = 0.12
"""Furniture covers a brick when it does so with this much less of it all round."""
FURNITURE_TOP_M = 0.36
"""The lowest piece: what this covers, every piece covers."""

_BRICK_WIDTH_M = 4 / math.pi * (g.BRICK.x_m + g.BRICK.y_m)
"""Mean width of a brick's silhouette over all headings."""
_BRICK_TOP_M = 2 * g.BRICK.z_m


def sight_range_m(params: YardParams) -> float:
    """Distance from the axle within which a brick straight ahead is wide enough in the picture.

    Infinite where bricks are wide enough across the whole room.
    """
    if _spans_m(params, BARELY_PX) >= 2 * math.sqrt(2) * params.half_m:
        return math.inf
    return _spans_m(params, CLEAR_PX)


def in_sight(truth: YardTruth, bricks: np.ndarray) -> np.ndarray:
    """(N,) bool: which of (N, 2) bricks are near enough and not covered by furniture.

    Whether they are in the picture is `in_picture`; all true where the sight is not limited.
    """
    range_m = sight_range_m(truth.params)
    if math.isinf(range_m):
        return np.ones(len(bricks), dtype=bool)
    here = truth.here
    near = np.linalg.norm(bricks - here, axis=1) < range_m
    return near & ~_covered(truth, here, bricks)


def in_picture(truth: YardTruth, bricks: np.ndarray) -> np.ndarray:
    """(N,) bool: which of (N, 2) bricks the ego camera has within its left and right edge.

    The camera looks down: far bricks leave the picture at a smaller angle than near ones.
    """
    params = truth.params
    local = truth.local(bricks)
    down_m = g.EGO_POSITION_M[2] - g.BRICK.z_m
    pitch = g.EGO_PITCH_RAD
    depth_m = local[:, 0] * math.cos(pitch) + down_m * math.sin(pitch)
    edge_m = (params.image_width / 2 - EDGE_PX) / _focal_px(params) * depth_m
    return (depth_m > 0) & (np.abs(local[:, 1]) < edge_m)


def beside_furniture(truth: YardTruth, within_m: float) -> bool:
    """Is the axle's middle so near to a piece of furniture?"""
    pieces = truth.furniture
    offset = truth.here - pieces[:, :2]
    cos, sin = np.cos(pieces[:, 2]), np.sin(pieces[:, 2])
    along = cos * offset[:, 0] + sin * offset[:, 1]
    across = cos * offset[:, 1] - sin * offset[:, 0]
    outside = np.abs(np.stack([along, across], axis=1)) - pieces[:, 3:5]
    return bool((np.linalg.norm(np.maximum(outside, 0.0), axis=1) < within_m).any())


def _covered(truth: YardTruth, here: np.ndarray, bricks: np.ndarray) -> np.ndarray:
    """(N,) bool: furniture stands on the lower part of the line from the camera to the brick."""
    if not len(truth.furniture):
        return np.zeros(len(bricks), dtype=bool)
    eye_m = g.EGO_POSITION_M[2]
    below = (eye_m - FURNITURE_TOP_M) / (eye_m - _BRICK_TOP_M)
    return between(truth.furniture, here + below * (bricks - here), bricks, less_m=SHRUNK_M)


def _spans_m(params: YardParams, pixels: float) -> float:
    """Distance at which a brick straight ahead on the floor is so many pixels wide."""
    depth_m = _focal_px(params) * _BRICK_WIDTH_M / pixels
    down_m = g.EGO_POSITION_M[2] * math.sin(g.EGO_PITCH_RAD)
    return (depth_m - down_m) / math.cos(g.EGO_PITCH_RAD)


def _focal_px(params: YardParams) -> float:
    return params.image_height / 2 / math.tan(math.radians(g.EGO_FOVY_DEG) / 2)
