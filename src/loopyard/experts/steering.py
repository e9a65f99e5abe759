"""Geometry of getting there: headings, ways round what stands between, and off what is touched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from loopyard.experts.hard_bricks import left_lying
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth

CLEARANCE_M = 0.48
KEEP_OUT_MARGIN_M = 0.10
"""So far ways stay off ground that must not be entered."""
AGAINST_M = 0.30
"""A brick nearer than this to a wall is approached along the wall's normal."""
FUNNEL = 0.4
STANDOFF_M = 1.2
STANDOFF_NEAR_M = 0.8
CORNERS_M = (0.60, 1.10)
"""Waypoints stand this far off a solid's corner, a little more than the clearance asked for, and
wide of it, for a brick that lies so near the corner that one could not turn to it there."""
TURN_ROOM_M = 1.05
CORNER_TO_KERB_M = 0.75
"""Any nearer the bucket, a good half metre ahead, would meet the kerb before the turn."""
NEAR_M = 1.5
NEAR_CLEARANCE_M = 0.42
"""Asked for on the last stretch: a detour that short would end too close to turn to the brick."""
PASS_BRICK_M = 0.42
CROWDED_M = 0.39
"""Furniture nearer than this to the axle's middle touches a wheel, or will at the next turn."""
BESIDE = 0.15
SWEEP_RAD = 0.4
SWEEP_MARGIN_M = 0.05
ENCLOSED_M = 100.0
"""Length of a way that no corner opens: worse than every other."""

Solid = tuple[float, float, float, float, float]
"""x, y, yaw, half length, half width of something a loader cannot drive through."""


@dataclass(frozen=True)
class Ways:
    """Shortest ways from the loader to each of G goals.

    waypoints: (G, 2) where to drive for now. lengths_m: (G,). direct: (G,) bool, goal in one line.
    """

    waypoints: np.ndarray
    lengths_m: np.ndarray
    direct: np.ndarray


def clamp(value: float, low: float = -1.0, high: float = 1.0) -> float:
    """The number itself where it lies between the two, else the nearer one."""
    return min(max(value, low), high)


def heading_to(truth: YardTruth, point: np.ndarray) -> float:
    """Radians to turn left until the point lies straight ahead, in (-pi, pi]."""
    forward, left = truth.local(point)
    return math.atan2(left, forward)


def ways_to(
    truth: YardTruth, goals: np.ndarray, *, with_box: bool, room_m: np.ndarray | float = 0.0
) -> Ways:
    """The shortest ways to (G, 2) goals round furniture, and round the box if it is in the way.

    room_m: (G,) how far the last corner must be from the goal, where there is a choice.

    A visibility graph over the solids' corners (Lozano-Perez and Wesley, 1979). The whole way is
    compared, not the next corner alone, so driving along it never makes another way shorter.
    """
    here = truth.here
    straight_m = np.linalg.norm(goals - here, axis=1)
    solids = _obstacles(truth, with_box=with_box)
    if not solids:
        return Ways(goals, straight_m, np.ones(len(goals), dtype=bool))
    corners = _corners(solids, truth.params.half_m)
    start, ends = corners.seen_from(here[None]), corners.seen_from(goals)
    # Standing or aiming inside the clearance, only what is nearer still counts as in the way.
    start_reach = corners.reach(np.minimum(CLEARANCE_M, start.outside_m - 0.02))
    end_reach = corners.reach(np.minimum(CLEARANCE_M, ends.outside_m - 0.02))
    clearance_m = np.where(straight_m < NEAR_M, NEAR_CLEARANCE_M, CLEARANCE_M)
    reach = np.minimum(np.minimum(start_reach, end_reach), corners.reach(clearance_m[None]))
    direct = _free(start.local, ends.local, reach[:, None])[0]
    if direct.all():
        return Ways(goals, straight_m, direct)
    first_m = _length_if_free(here[None], start, start_reach, corners)[0]
    last_m = _length_if_free(goals, ends, end_reach, corners)
    roomy_m = np.where(last_m < np.reshape(room_m, (-1, 1)), math.inf, last_m)
    last_m = np.where(np.isfinite(roomy_m).any(axis=1, keepdims=True), roomy_m, last_m)
    whole_m = (first_m[:, None] + corners.between_m)[None] + last_m[:, None]
    best = whole_m.min(axis=2)
    via = best.argmin(axis=1)
    found = np.isfinite(best.min(axis=1)) & ~direct
    waypoints = np.where(found[:, None], corners.places[via], goals)
    lengths_m = np.where(direct, straight_m, straight_m + ENCLOSED_M)
    lengths_m = np.where(found, best.min(axis=1), lengths_m)
    return Ways(waypoints, lengths_m, direct)


def between(
    furniture: np.ndarray, starts: np.ndarray, ends: np.ndarray, *, less_m: float
) -> np.ndarray:
    """(P,) bool: a piece of (M, 5) furniture, ``less_m`` smaller all round, stands on the line from
    (P, 2) starts to ends."""
    blocked = np.zeros(len(starts), dtype=bool)
    for x, y, yaw, half_x, half_y in furniture:
        turn, reach = _turn(yaw), np.array([half_x, half_y]) - less_m
        a, b = (starts - (x, y)) @ turn, (ends - (x, y)) @ turn
        # _free takes every start with every end: here one is meant for one.
        blocked |= ~np.diagonal(_free(a[None], b[None], reach[None, None, None]))
    return blocked


def lined_up(truth: YardTruth, bricks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) each brick itself, or a standoff place to line up from when it lies against something;
    and (N,) bool, it does and this place is near it.

    A bucket reaches a brick at a wall only from straight ahead. Inside a funnel about the wall's
    normal the loader heads for the brick (so it stays inside the funnel), outside for the standoff.
    """
    normals = _wall_normals(truth, bricks)
    if not normals.any():
        return bricks, np.zeros(len(bricks), dtype=bool)
    here = truth.here - bricks
    along = (here * normals).sum(axis=1)
    across = here[:, 1] * normals[:, 0] - here[:, 0] * normals[:, 1]
    free = ~normals.any(axis=1)
    in_funnel = (along > 0) & (np.abs(across) < FUNNEL * along)
    # Close by with the brick at its side, it could neither turn to it nor back off from it.
    local = truth.local(bricks)
    facing = np.abs(local[:, 1]) < np.maximum(local[:, 0], 0.0)
    in_funnel &= facing | (np.linalg.norm(here, axis=1) > TURN_ROOM_M)
    goals = np.where((free | in_funnel)[:, None], bricks, bricks + STANDOFF_M * normals)
    return goals, ~free & (np.linalg.norm(here, axis=1) < STANDOFF_M + STANDOFF_NEAR_M)


def past_bricks(truth: YardTruth, heading_rad: float, look_m: float) -> float:
    """The heading changed, where need be, so that the chassis does not push a brick along.

    A raised bucket passes over a brick, the chassis does not; one pushed up to the box would keep
    the loader from it. Looks ``look_m`` ahead.
    """
    local = truth.local(truth.bricks[~truth.held & ~truth.delivered])
    bearing, away_m = np.arctan2(local[:, 1], local[:, 0]), np.linalg.norm(local, axis=1)
    along_m = away_m * np.cos(bearing - heading_rad)
    beside_m = away_m * np.sin(bearing - heading_rad)
    in_way = (along_m > 0.2) & (along_m < look_m) & (np.abs(beside_m) < PASS_BRICK_M)
    if not in_way.any():
        return heading_rad
    nearest = int(np.where(in_way, away_m, math.inf).argmin())
    shift = math.asin(min(1.0, (PASS_BRICK_M + 0.03) / away_m[nearest]))
    shifted = bearing[nearest] - math.copysign(shift, beside_m[nearest])
    return float((shifted + math.pi) % (2 * math.pi) - math.pi)


def off_walls(truth: YardTruth, *, with_kerb: bool) -> float | None:
    """Throttle away from furniture or kerb that stands against a wheel or the chassis, or None.

    None too where it stands right beside: neither way leads off it, and turning does.
    """
    here = truth.here
    nearest, nearest_m = here, CROWDED_M
    for edge in _edges(truth, here, with_kerb=with_kerb):
        away_m = float(np.linalg.norm(here - edge))
        if away_m < nearest_m:
            nearest, nearest_m = edge, away_m
    ahead_m = float(truth.local(nearest)[0])
    if nearest is here or abs(ahead_m) < BESIDE * nearest_m:
        return None
    return -0.6 if ahead_m > 0 else 0.6


def _edges(truth: YardTruth, here: np.ndarray, *, with_kerb: bool) -> list[np.ndarray]:
    """(2,) each: the nearest point of every piece of furniture, and of the kerb."""
    edges = []
    for x, y, yaw, half_x, half_y in truth.furniture:
        turn = _turn(yaw)
        local = (here - (x, y)) @ turn
        edges.append(turn @ np.clip(local, (-half_x, -half_y), (half_x, half_y)) + (x, y))
    if with_kerb:
        side = int(np.abs(here).argmax())
        edges.append(np.where(np.arange(2) == side, np.sign(here) * truth.params.half_m, here))
    return edges


def turn_is_blocked(truth: YardTruth, steering: float, *, with_kerb: bool = False) -> bool:
    """Would the lowered bucket, turning on the spot, run into furniture, the box or the kerb?"""
    reach_m = g.bucket_reach_m(truth.lift)
    side_m = math.copysign(g.BUCKET_HALF_WIDTH_M + 0.024, steering)
    rim = np.array([(reach_m, side_m), (reach_m + g.BUCKET_DEPTH_M, side_m)])
    for angle in np.linspace(0.0, math.copysign(SWEEP_RAD, steering), 3):
        swept = np.array([truth.ahead(*point) for point in rim @ _turn(angle).T])
        if with_kerb and np.abs(swept).max() > truth.params.half_m - SWEEP_MARGIN_M:
            return True
        for x, y, yaw, half_x, half_y in _solids(truth, with_box=True):
            outside = np.abs((swept - (x, y)) @ _turn(yaw)) - (half_x, half_y)
            if (outside < SWEEP_MARGIN_M).all(axis=1).any():
                return True
    return False


def _wall_normals(truth: YardTruth, bricks: np.ndarray) -> np.ndarray:
    """(N, 2) unit normals, away from the kerb, box or furniture a brick lies against, or zero."""
    room_m = truth.params.half_m - np.abs(bricks)
    away = np.where(room_m < AGAINST_M, -np.sign(bricks), 0.0)
    for x, y, yaw, half_x, half_y in _solids(truth, with_box=True):
        turn = _turn(yaw)
        local = (bricks - (x, y)) @ turn
        outside = np.abs(local) - (half_x, half_y)
        near = outside.max(axis=1) < AGAINST_M
        if near.any():
            side = np.eye(2)[outside.argmax(axis=1)] * np.sign(local)
            away += np.where(near[:, None], side @ turn.T, 0.0)
    lengths = np.linalg.norm(away, axis=1, keepdims=True)
    return np.where(lengths < 1e-6, 0.0, away / np.maximum(lengths, 1e-6))


def _obstacles(truth: YardTruth, *, with_box: bool) -> tuple[Solid, ...]:
    """Solids, and ground to keep off. That has its distance in it already: it counts as so much
    smaller than a solid of its size that no more than a margin is left."""
    less_m = CLEARANCE_M - KEEP_OUT_MARGIN_M
    ground = ((*map(float, row[:3]), *(row[3:] - less_m).tolist()) for row in truth.keep_out)
    return _solids(truth, with_box=with_box) + tuple(ground)  # type: ignore[return-value]


def _solids(truth: YardTruth, *, with_box: bool) -> tuple[Solid, ...]:
    solids = [(*map(float, row),) for row in (*truth.furniture, *left_lying(truth))]
    if with_box:
        half = truth.params.box_side_m / 2
        solids.append((*map(float, truth.box_m), 0.0, half, half))
    return tuple(solids)  # type: ignore[return-value]


def _turn(yaw: float) -> np.ndarray:
    """(2, 2) turns a solid's frame into the yard's; rows of yard vectors times it: the inverse."""
    return np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])


@dataclass(frozen=True)
class _Seen:
    """(P, 2) points as M solids see them: local (M, P, 2), Chebyshev distance outside (M, P)."""

    local: np.ndarray
    outside_m: np.ndarray


@dataclass(frozen=True)
class _Corners:
    """The places to turn at. centres (M, 2), turns (M, 2, 2), halves (M, 2) of the solids;
    places (C, 2), local (M, C, 2), between_m (C, C) shortest ways among them."""

    centres: np.ndarray
    turns: np.ndarray
    halves: np.ndarray
    places: np.ndarray
    local: np.ndarray
    between_m: np.ndarray

    def seen_from(self, points: np.ndarray) -> _Seen:
        local = (points[None] - self.centres[:, None]) @ self.turns
        return _Seen(local, (np.abs(local) - self.halves[:, None]).max(axis=2))

    def reach(self, clearance_m: np.ndarray) -> np.ndarray:
        """(M, P, 2) half extents of the solids, each inflated for each of P points."""
        return self.halves[:, None] + clearance_m[..., None]


@lru_cache(maxsize=64)
def _corners(solids: tuple[Solid, ...], half_room_m: float) -> _Corners:
    rows = np.array(solids)
    centres, halves = rows[:, :2], rows[:, 3:]
    turns = np.stack([_turn(yaw) for yaw in rows[:, 2]])
    signs = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
    outer = np.concatenate([(halves[:, None] + off_m) * signs for off_m in CORNERS_M], axis=1)
    places = (outer @ turns.transpose(0, 2, 1) + centres[:, None]).reshape(-1, 2)
    bare = _Corners(centres, turns, halves, places, np.empty(0), np.empty(0))
    places = np.clip(places, CORNER_TO_KERB_M - half_room_m, half_room_m - CORNER_TO_KERB_M)
    places = places[(bare.seen_from(places).outside_m > CLEARANCE_M).all(axis=0)]
    local = bare.seen_from(places).local
    reach = np.broadcast_to(halves[:, None] + CLEARANCE_M, local.shape)
    apart_m = np.linalg.norm(places[:, None] - places[None], axis=2)
    between_m = np.where(_free(local, local, reach[:, :, None]), apart_m, math.inf)
    np.fill_diagonal(between_m, 0.0)
    for via in range(len(places)):  # Floyd and Warshall
        between_m = np.minimum(between_m, between_m[:, via, None] + between_m[None, via])
    return _Corners(centres, turns, halves, places, local, between_m)


def _length_if_free(
    points: np.ndarray, seen: _Seen, reach: np.ndarray, corners: _Corners
) -> np.ndarray:
    """(P, C) from each point to each corner in one line, infinite where a solid is in the way."""
    apart_m = np.linalg.norm(points[:, None] - corners.places[None], axis=2)
    return np.where(_free(seen.local, corners.local, reach[:, :, None]), apart_m, math.inf)


def _free(a: np.ndarray, b: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(A, B) bool: no segment from a (M, A, 2) to b (M, B, 2) meets a solid's open rectangle.

    ``reach`` (M, A or 1, B or 1, 2) is its half extents (slab test, in each solid's own frame).
    """
    start = a[:, :, None]
    step = b[:, None] - start
    step = np.where(np.abs(step) < 1e-12, 1e-12, step)
    near, far = (-reach - start) / step, (reach - start) / step
    enter = np.maximum(np.minimum(near, far).max(axis=-1), 0.0)
    leave = np.minimum(np.maximum(near, far).min(axis=-1), 1.0)
    solid = (reach > 0).all(axis=-1)
    return ~((enter < leave) & solid).any(axis=0)
