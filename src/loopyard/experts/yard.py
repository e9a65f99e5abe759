"""The yard's expert: scan, approach, lower, scoop, lift, transport, dump, retreat.

Every phase is inferred from the truth of the moment, nothing is remembered. Where the camera shows
no brick, or the box lies behind, it always turns left: a policy that sees the same picture can do
the same, while the shorter way round could hardly be told from picture and pose. In a room that the
camera does not see across, it goes on patrol instead, by its pose alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from loopyard.experts.annex import lookout
from loopyard.experts.caution import careful, forbidden
from loopyard.experts.hard_bricks import at_given_up, gently, rises_again, worth_a_try
from loopyard.experts.movers import must_wait
from loopyard.experts.patrol import patrol_waypoint
from loopyard.experts.sight import beside_furniture, in_picture, in_sight, sight_range_m
from loopyard.experts.steering import (
    TURN_ROOM_M,
    clamp,
    heading_to,
    lined_up,
    off_walls,
    past_bricks,
    turn_is_blocked,
    ways_to,
)
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth

PHASES = ("scan", "approach", "lower", "scoop", "lift", "transport", "dump", "retreat", "wait")

VIEW_MARGIN_RAD = math.radians(4.0)
"""A brick at the very edge of the picture does not count as seen."""
DETOUR_VIEW_RAD = 2.0
DETOUR_MARGIN_RAD = 0.3
"""On a detour a brick may leave the picture this far, or this far beyond the detour itself."""
PASSING_M, PASSING_VIEW_RAD = 1.3, 1.35
"""So near to furniture a brick may be out of the picture on a straight way too, as far as this:
else a loader that rounds a corner loses the brick, and patrols back to where it saw it, always."""
PATROL_TURN_RAD = 0.6
"""On patrol, the way ahead further round than this is always turned to by the left."""
BOX_BEHIND_RAD = 2.0
"""The pose tells where the box is, but from here on it does not tell the shorter way to turn."""
SCOOP_TURN_M = 0.98
"""Nearer than this, turning on the spot would sweep the brick aside with a cheek."""
ALIGNED_M = 0.13
"""Sideways error at which a brick still goes between the cheeks."""
REAR_ROOM_M = 0.05
LOWER_CLEAR_M = 0.95
LOWER_BEFORE_M = 1.15
"""The bucket must be down and open before a brick comes this near."""
DOWN, OPEN = 0.12, 0.18
"""Lift and bucket under these count as down and open."""
PRESSED_LIFT = 0.35
"""With the lift so far up, the bucket passes over a brick."""
UP, CURLED = 0.85, 0.75
GAP_REACH_M = 0.35
FALLEN_M = -0.1
NEAR_BOX_M = 0.30
BOX_TOUCHES_M, ASKEW_RAD = 0.32, 0.15
DROP_INSIDE_M = 0.55
PASS_BRICKS_M, DOCKING_M = 1.5, 1.2
"""So far ahead it looks for bricks to pass, and from here on it heads straight for the box."""
OVER_BOX_M = 0.10
"""The bucket's middle must be this far inside the walls before it dumps."""
APPROACH_GAIN = 2.2
SLOW_NEAR_M = 0.9


@dataclass(frozen=True)
class _Move:
    phase: str
    steering: float = 0.0
    throttle: float = 0.0
    bucket_to: float | None = None
    lift_to: float | None = None


class YardExpert:
    """(4,) float32 actions from `YardTruth`; equal truths give equal actions."""

    def __init__(self) -> None:
        # Action and phase of one moment are asked for one after the other: think once.
        self._thought: tuple[YardTruth, _Move] | None = None

    def act(self, truth: YardTruth) -> np.ndarray:
        """(4,) float32 in [-1, 1]: steering, throttle, bucket, lift."""
        move = self._move(truth)
        tick_s = 1.0 / truth.params.fps
        action = (
            *gently(truth, move.steering, move.throttle),
            _lever(truth.bucket_target, move.bucket_to, g.BUCKET_RATE_PER_S * tick_s),
            _lever(truth.lift_target, move.lift_to, g.LIFT_RATE_PER_S * tick_s),
        )
        return np.clip(np.array(action, dtype=np.float32), -1.0, 1.0)

    def phase(self, truth: YardTruth) -> str:
        """One of PHASES."""
        return self._move(truth).phase

    def _move(self, truth: YardTruth) -> _Move:
        if self._thought is None or self._thought[0] is not truth:
            self._thought = truth, self._decide(truth)
        return self._thought[1]

    def _decide(self, truth: YardTruth) -> _Move:
        if must_wait(truth):
            return _Move("wait")
        full = truth.load >= truth.params.bucket_capacity
        carry = truth.load and (full or not _wanted(truth).any())
        move = self._deliver(truth) if carry else self._fetch(truth)
        steering, throttle = careful(truth, move.steering, move.throttle)
        return replace(move, steering=steering, throttle=throttle)

    # -- with a load -------------------------------------------------------------------------

    def _deliver(self, truth: YardTruth) -> _Move:
        if _bucket_over_box(truth) and truth.lift > UP:
            return _Move("dump", bucket_to=0.0, lift_to=1.0)
        if truth.bucket < CURLED or truth.bucket_target < CURLED:
            return _Move("lift", bucket_to=1.0)
        if _near_box(truth) and truth.lift < UP:
            # The rim would stop a bucket that is still on its way up.
            return _Move("lift", throttle=-0.5, bucket_to=1.0, lift_to=1.0)
        away = off_walls(truth, with_kerb=True)
        if away is not None:
            return _Move("transport", throttle=away, bucket_to=1.0, lift_to=1.0)
        drop = _drop_place(truth)
        way = ways_to(truth, drop[None], with_box=False)
        heading = heading_to(truth, way.waypoints[0])
        # A box that may stand in any corner must be in the picture for a policy to drive to it.
        unseen = BOX_BEHIND_RAD if truth.box_known else truth.view_half_rad
        if way.direct[0] and abs(heading) > unseen:
            return _Move("transport", steering=1.0, bucket_to=1.0, lift_to=1.0)
        here = truth.here
        to_drop_m = float(np.linalg.norm(drop - here))
        heading = past_bricks(truth, heading, min(PASS_BRICKS_M, to_drop_m - DOCKING_M))
        throttle = _forward(heading, to_drop_m - 0.6, truth)
        if _from_box_m(truth, here) < BOX_TOUCHES_M and abs(heading) > ASKEW_RAD:
            throttle = -0.6  # a wheel or the chassis leans on the box and keeps it from turning
        return _Move("transport", _steer(heading, truth), throttle, bucket_to=1.0, lift_to=1.0)

    # -- without one -------------------------------------------------------------------------

    def _fetch(self, truth: YardTruth) -> _Move:
        if truth.lift > DOWN and _near_box(truth):
            return _Move("retreat", throttle=-1.0)
        if (truth.in_mouth() & worth_a_try(truth)).any() and truth.lift < DOWN:
            if rises_again(truth):
                return _Move("lower", throttle=-0.6, bucket_to=0.0, lift_to=PRESSED_LIFT)
            if truth.bucket > g.HOLD_UNTIL:
                # Curled already when the brick came: nothing takes hold of it any more.
                return _Move("lower", throttle=-0.3, bucket_to=0.0, lift_to=0.0)
            # Pressing on while curling keeps the brick against the back plate.
            return _Move("scoop", throttle=0.35, bucket_to=1.0, lift_to=0.0)
        if at_given_up(truth):
            return _Move("retreat", throttle=-0.8, bucket_to=0.0, lift_to=PRESSED_LIFT)
        away = off_walls(truth, with_kerb=False)
        if away is not None:
            return _Move("approach", throttle=away, bucket_to=0.0, lift_to=0.0)
        found = _target(truth)
        move = self._scan(truth) if found is None else self._approach(truth, *found)
        if (
            move.throttle == 0.0
            and move.steering
            and turn_is_blocked(truth, move.steering, with_kerb=_is_near_sighted(truth))
        ):
            return replace(move, steering=0.0, throttle=-0.6)
        return move

    def _scan(self, truth: YardTruth) -> _Move:
        waypoint = _look_from(truth)
        if waypoint is None:
            return _Move("scan", steering=1.0, bucket_to=0.0, lift_to=0.0)
        heading = heading_to(truth, waypoint)
        if abs(heading) > PATROL_TURN_RAD:
            return _Move("scan", steering=1.0, bucket_to=0.0, lift_to=0.0)
        throttle = _forward(heading, math.inf, truth)
        return _Move("scan", _steer(heading, truth), throttle, bucket_to=0.0, lift_to=0.0)

    def _approach(self, truth: YardTruth, target: np.ndarray, waypoint: np.ndarray) -> _Move:
        forward, left = truth.local(target)
        distance = math.hypot(forward, left)
        straight = bool((waypoint == target).all())
        # A bucket that lies on a brick takes the weight off the driven wheels.
        clear = PRESSED_LIFT if truth.lift > DOWN else 0.0
        beside = straight and distance < SCOOP_TURN_M and abs(left) > ALIGNED_M
        if beside and _room_behind(truth):
            return _Move("approach", throttle=-0.8, bucket_to=0.0, lift_to=clear)
        lowered = truth.lift < DOWN and truth.bucket < OPEN
        if not lowered and distance < LOWER_BEFORE_M:
            # A bucket that comes down on a brick rests on it: back off before it sinks.
            if distance < LOWER_CLEAR_M:
                return _Move("lower", throttle=-0.6, bucket_to=0.0, lift_to=clear)
            return _Move("lower", bucket_to=0.0, lift_to=0.0)
        heading = heading_to(truth, waypoint)
        side = math.atan2(left, forward)
        if heading * side < 0 and abs(heading) + abs(side) > math.pi:
            # Turned with its back to both: by way of the brick, or it would be lost from view.
            heading += math.copysign(2 * math.pi, side)
        throttle = _forward(heading, distance - 0.5, truth)
        return _Move("approach", _steer(heading, truth), throttle, bucket_to=0.0, lift_to=0.0)


def _room_behind(truth: YardTruth) -> bool:
    """Does the kerb leave room to back off? Where not, sweeping a brick aside is the way out."""
    rear = truth.ahead(-g.CHASSIS_REAR_M - REAR_ROOM_M)
    return bool((np.abs(rear) < truth.params.half_m).all())


def _lever(target: float, goal: float | None, full: float) -> float:
    """The lever that brings ``target`` to ``goal`` within a tick, or as near as it goes."""
    return 0.0 if goal is None else clamp((goal - target) / full)


def _steer(heading_rad: float, truth: YardTruth) -> float:
    return clamp(APPROACH_GAIN * heading_rad / truth.params.max_turn_radps)


def _forward(heading_rad: float, left_to_go_m: float, truth: YardTruth) -> float:
    """Throttle: full when aligned and far, none when turned away, slower near the goal."""
    aligned = clamp(1.0 - abs(heading_rad) / 0.45, 0.0)
    slow = clamp(left_to_go_m / SLOW_NEAR_M, 0.35)
    fast = truth.params.max_speed_mps
    return aligned * min(1.0, slow * max(1.0, 1.2 / fast) if left_to_go_m < SLOW_NEAR_M else 1.0)


def _wanted(truth: YardTruth) -> np.ndarray:
    """(N,) bool: bricks still to be fetched. Out of reach are those flung over the kerb, those
    in the box, on top of the heap, or deep in the gap behind it; those in a pit, and those on
    ground to keep off."""
    places = truth.bricks[:, :2]
    worth_it = worth_a_try(truth)
    inside = (np.abs(places) < truth.params.half_m).all(axis=1)
    box_edge_m = np.abs(truth.box_m) - truth.params.box_side_m / 2
    in_corner = (places * np.sign(truth.box_m) > box_edge_m + GAP_REACH_M).all(axis=1)
    lost = (truth.bricks[:, 2] < FALLEN_M) | forbidden(truth, places)
    lost |= in_corner | (np.abs(places - truth.box_m) < truth.params.box_side_m / 2).all(axis=1)
    return truth.known & worth_it & ~truth.held & ~truth.delivered & inside & ~lost


def _target(truth: YardTruth) -> tuple[np.ndarray, np.ndarray] | None:
    """The known brick that is cheapest to reach and the waypoint towards it, (2,) each, or None."""
    bricks = truth.bricks[_wanted(truth), :2]
    bricks = bricks[in_sight(truth, bricks)]
    if not len(bricks):
        return None
    goals, lining_up = lined_up(truth, bricks)
    at_brick = (goals == bricks).all(axis=1)
    ways = ways_to(truth, goals, with_box=True, room_m=np.where(at_brick, TURN_ROOM_M, 0.0))
    straight = ways.direct & at_brick & ~lining_up
    to_brick, to_waypoint = _headings(truth, bricks), _headings(truth, ways.waypoints)
    # On the way round or to a standoff the brick may leave the picture: as far as the way itself
    # turns away from it, or the loader would turn back at every such place.
    apart = np.abs(_wrapped(to_brick - to_waypoint)) + DETOUR_MARGIN_RAD
    seen = truth.view_half_rad - VIEW_MARGIN_RAD
    # So it is where a detour ends: the way is straight, and the brick not yet in the picture again.
    passing = _is_near_sighted(truth) and beside_furniture(truth, PASSING_M)
    if passing:
        seen = PASSING_VIEW_RAD
    limit = np.where(straight, seen, np.maximum(DETOUR_VIEW_RAD, apart))
    known = np.abs(to_brick) < limit
    if _is_near_sighted(truth):
        known &= ~straight | in_picture(truth, bricks) | passing
    if not known.any():
        return None
    way_m = ways.lengths_m + np.linalg.norm(goals - bricks, axis=1)
    cost = np.where(known, way_m + 0.8 * np.abs(to_waypoint), math.inf)
    best = int(cost.argmin())
    return bricks[best], ways.waypoints[best]


def _look_from(truth: YardTruth) -> np.ndarray | None:
    """(2,) where to drive for while no brick is in sight; None to look round on the spot."""
    if truth.annex is not None:
        return lookout(truth, truth.annex, _wanted(truth))
    return patrol_waypoint(truth) if _is_near_sighted(truth) else None


def _is_near_sighted(truth: YardTruth) -> bool:
    """Does the picture not show a brick across the whole room?"""
    return math.isfinite(sight_range_m(truth.params))


def _headings(truth: YardTruth, points: np.ndarray) -> np.ndarray:
    """(N,) radians to turn left until each of (N, 2) points lies straight ahead."""
    local = truth.local(points)
    return np.arctan2(local[:, 1], local[:, 0])


def _wrapped(angle: np.ndarray) -> np.ndarray:
    return (angle + math.pi) % (2 * math.pi) - math.pi


def _drop_place(truth: YardTruth) -> np.ndarray:
    """(2,) where in the box to drop: its middle; in a wide box nearer by, and so less askew."""
    inside_m = max(0.0, truth.params.box_side_m / 2 - DROP_INSIDE_M)
    here = truth.here
    return np.clip(here, truth.box_m - inside_m, truth.box_m + inside_m)


def _bucket_middle(truth: YardTruth) -> np.ndarray:
    return truth.ahead(g.bucket_reach_m(truth.lift) + 0.05)


def _from_box_m(truth: YardTruth, point: np.ndarray) -> float:
    """Distance of a point to the box's outer walls; negative inside."""
    outside = np.abs(point - truth.box_m) - truth.params.box_side_m / 2
    if (outside < 0).all():
        return float(outside.max())
    return float(np.linalg.norm(np.maximum(outside, 0.0)))


def _bucket_over_box(truth: YardTruth) -> bool:
    return _from_box_m(truth, _bucket_middle(truth)) < -OVER_BOX_M - g.BOX_WALL_M


def _near_box(truth: YardTruth) -> bool:
    tip = truth.ahead(g.bucket_reach_m(truth.lift) + g.BUCKET_DEPTH_M)
    return _from_box_m(truth, tip) < NEAR_BOX_M
