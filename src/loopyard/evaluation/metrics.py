"""Rollout metrics: what a trace says of one drive in numbers, and their means over a suite.

A metric is None where the world does not tell what it needs, or where there was nothing to measure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

import numpy as np

from loopyard.core.outcome import Outcome
from loopyard.evaluation.trace import Trace

VIOLATION_PREFIX = "violation_"
APPROACH_M = 0.8
"""A solid whose edge is this near to the robot's front, and ahead, is being approached."""
APPROACH_RAD = 0.6
LEFT_M = 0.3
"""So much further away again, or ABEAM_RAD to the side, the approach is over."""
ABEAM_RAD = 1.6
FREE_S = 0.5
"""A contact is over when it has not been felt for so long."""
MOVING_M = 0.15
"""Moving again: so far from where the contact held it, within MOVING_S."""
MOVING_S = 1.0
SHORTEST_M = 0.3
"""A shortest path below this says nothing of how long a good one is."""

Metrics = dict[str, float | None]


def rollout_metrics(trace: Trace, outcome: Outcome) -> Metrics:
    """The metrics of one drive, by name.

    collection_rate: share of what was asked for that was delivered (the world's progress).
    completion_rate: 1 when all of it was in time. seconds_per_target: driven seconds / delivered.
    path_excess: path driven until the last delivery / `shortest_path_m` - 1.
    idle_share: ticks in which every action channel was under 0.05.
    boundary_contacts, furniture_contacts: how often one began.
    recovery_s: mean seconds from a contact's beginning until the robot is free and moves again, of
    the contacts it recovered from; recovered_share: their share.
    avoidance_rate: share of the approaches to a solid that ended without touching one.
    safety_violations: events whose name begins with ``violation_``.
    """
    recoveries = _recoveries(trace)
    recovered = [seconds for seconds in recoveries if seconds is not None]
    return {
        "collection_rate": outcome.progress,
        "completion_rate": float(outcome.success),
        "seconds_per_target": _seconds_per_target(trace),
        "path_excess": _path_excess(trace),
        "idle_share": outcome.idle_share,
        "boundary_contacts": _beginnings(trace, "touching_boundary"),
        "furniture_contacts": _beginnings(trace, "touching_furniture"),
        "recovery_s": fmean(recovered) if recovered else None,
        "recovered_share": len(recovered) / len(recoveries) if recoveries else None,
        "avoidance_rate": _avoidance_rate(trace),
        "safety_violations": float(
            sum(n for name, n in outcome.counts.items() if name.startswith(VIOLATION_PREFIX))
        ),
    }


def mean_metrics(rollouts: Iterable[Mapping[str, float | None]]) -> dict[str, Any]:
    """{name: {"mean", "n"}}: the mean over the n rollouts in which it could be computed."""
    found: dict[str, list[float]] = {}
    for metrics in rollouts:
        for name, value in metrics.items():
            found.setdefault(name, []).extend([] if value is None else [value])
    return {
        name: {"mean": fmean(values) if values else None, "n": len(values)}
        for name, values in found.items()
    }


def shortest_path_m(
    start_m: np.ndarray, targets_m: np.ndarray, layout: Mapping[str, np.ndarray]
) -> float:
    """No path of the robot's middle that brings these targets to the goal is shorter.

    With s the start (2,), b the N targets (N, 2), d(b) a target's distance from the goal's edge, c
    the capacity and r the reach (a target is taken, and let go, up to r ahead), each trip but the
    first goes out and back at least as far as its farthest target, so that

        N <= c:  max over b of  (|s - b| - r)+ + (d(b) - 2 r)+
        N > c:   min over b of the same, + 2 (D_0 - 2 r)+ + 2 (D_c - 2 r)+ + 2 (D_2c - 2 r)+ + ...

    where D_0 >= D_1 >= ... are the N - c smallest d and (x)+ is max(x, 0). Straight lines, no
    turning, no solids.
    """
    reach_m, capacity = float(layout["reach_m"]), int(layout["capacity"])
    to_goal_m = _outside_m(targets_m, layout["goal_m"])
    first_m = np.maximum(np.linalg.norm(targets_m - start_m, axis=1) - reach_m, 0.0)
    first_m += np.maximum(to_goal_m - 2 * reach_m, 0.0)
    if len(targets_m) <= capacity:
        return float(first_m.max())
    later_m = np.sort(to_goal_m)[: len(targets_m) - capacity][::-1][::capacity]
    return float(first_m.min() + 2 * np.maximum(later_m - 2 * reach_m, 0.0).sum())


def _outside_m(points: np.ndarray, rectangle: np.ndarray) -> np.ndarray:
    """(N,) distances of (N, 2) points from a rectangle x, y, yaw, half length, half width."""
    x, y, yaw, half_x, half_y = rectangle
    offset = points - (x, y)
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    outside = np.maximum(np.abs(offset @ turn) - (half_x, half_y), 0.0)
    return np.linalg.norm(outside, axis=1)


def _seconds_per_target(trace: Trace) -> float | None:
    if not trace.has("delivered") or not trace.signal("delivered")[-1]:
        return None
    return trace.seconds / trace.signal("delivered")[-1]


def _path_excess(trace: Trace) -> float | None:
    wanted = {"targets_m", "goal_m", "reach_m", "capacity"}
    if not trace.has("x_m", "y_m", "delivered") or not wanted <= trace.layout.keys():
        return None
    delivered = trace.signal("delivered")
    places = np.stack([trace.signal("x_m"), trace.signal("y_m")], axis=1)
    count = int(delivered[-1])
    targets_m = trace.layout["targets_m"]
    if count == 0 or count > len(targets_m):
        return None
    last = int(np.argmax(delivered >= count))
    driven_m = float(np.linalg.norm(np.diff(places[: last + 1], axis=0), axis=1).sum())
    # Which targets were delivered is not known when some are left: the nearest would be shortest.
    chosen = np.argsort(_outside_m(targets_m, trace.layout["goal_m"]))[:count]
    shortest_m = shortest_path_m(places[0], targets_m[chosen], trace.layout)
    return driven_m / shortest_m - 1.0 if shortest_m > SHORTEST_M else None


def _beginnings(trace: Trace, name: str) -> float | None:
    if not trace.has(name):
        return None
    touching = trace.signal(name) > 0
    return float(touching[0] + (touching[1:] & ~touching[:-1]).sum())


def _touching(trace: Trace) -> np.ndarray | None:
    """(T + 1,) bool: the boundary or a solid is touched."""
    names = [n for n in ("touching_boundary", "touching_furniture") if trace.has(n)]
    if not names:
        return None
    return np.any([trace.signal(name) > 0 for name in names], axis=0)


def _recoveries(trace: Trace) -> list[float | None]:
    """Seconds that each contact held the robot up; None for one it never recovered from."""
    touching = _touching(trace)
    if touching is None or not touching.any() or not trace.has("x_m", "y_m"):
        return []
    places = np.stack([trace.signal("x_m"), trace.signal("y_m")], axis=1)
    free_ticks, moving_ticks = round(FREE_S * trace.fps), round(MOVING_S * trace.fps)
    found: list[float | None] = []
    tick = int(np.argmax(touching))
    while True:
        again = _recovered(touching, places, tick, free_ticks, moving_ticks)
        found.append(None if again is None else (again - tick) / trace.fps)
        following = [] if again is None else np.flatnonzero(touching[again:])
        if again is None or not len(following):
            return found
        tick = again + int(following[0])


def _recovered(
    touching: np.ndarray, places: np.ndarray, begin: int, free_ticks: int, moving_ticks: int
) -> int | None:
    """The first tick after `begin` that is free of contact for a while and leads away."""
    for tick in range(begin + 1, len(touching) - max(free_ticks, moving_ticks)):
        if touching[tick : tick + free_ticks].any():
            continue
        moved_m = np.linalg.norm(places[tick : tick + moving_ticks + 1] - places[tick], axis=1)
        if moved_m.max() >= MOVING_M:
            return tick
    return None


def _avoidance_rate(trace: Trace) -> float | None:
    wanted = ("obstacle_m", "obstacle_rad", "speed_mps", "touching_furniture")
    if not trace.has(*wanted):
        return None
    apart_m, bearing, speed_mps, touching = (trace.signal(name) for name in wanted)
    front_m = float(trace.layout.get("reach_m", np.zeros(())))
    near_m, far_m = front_m + APPROACH_M, front_m + APPROACH_M + LEFT_M
    avoided: list[bool] = []
    approaching = False
    for tick in np.flatnonzero(apart_m < far_m + 1.0):
        if approaching:
            avoided[-1] &= not touching[tick]
            approaching = apart_m[tick] <= far_m and abs(bearing[tick]) <= ABEAM_RAD
        elif (
            apart_m[tick] < near_m
            and abs(bearing[tick]) < APPROACH_RAD
            and speed_mps[tick] > 0.1
            and touching[tick] == 0
        ):
            avoided.append(True)
            approaching = True
    return sum(avoided) / len(avoided) if avoided else None
