"""Named patterns: what a failing drive shows, whatever its class. Several may hold at once.

A world brings its patterns by what it tells: each needs some signals, and is looked for where they
are. Of several that hold, those that explain the others come first.
"""

from __future__ import annotations

import numpy as np

from loopyard.evaluation.diagnosis.diagnosis import Evidence, Finding
from loopyard.evaluation.diagnosis.motion import Motion, longest
from loopyard.evaluation.diagnosis.passing import PASSING, Decide
from loopyard.evaluation.diagnosis.thresholds import Thresholds
from loopyard.evaluation.metrics import VIOLATION_PREFIX
from loopyard.evaluation.trace import Trace

LOWERED = 0.6
"""A tool under this share of ``empty_lift`` is down again."""
TOOL_DEPTH_M = 0.13
"""From the tool's reach back to its middle."""
FEWEST_BORDERS = 6
STEADY = 0.02
"""Action steps below this are none."""
FEWEST_S = 3.0
"""What is shorter shows no habit."""


def looked_for(trace: Trace) -> tuple[str, ...]:
    """The patterns whose signals a drive's world tells."""
    return tuple(name for name, (_, needed) in _DECIDED.items() if trace.has(*needed))


def find_patterns(motion: Motion, thresholds: Thresholds) -> tuple[Finding, ...]:
    """Every pattern that holds, of those that are `looked_for`."""
    found = []
    for name in looked_for(motion.trace):
        evidence = _DECIDED[name][0](motion, thresholds)
        if evidence is not None:
            found.append(Finding(name, evidence))
    return tuple(found)


def _lifting(motion: Motion, t: Thresholds) -> Evidence | None:
    lift = motion.trace.signal("lift")
    dumped = np.flatnonzero(np.diff(motion.load) < 0) + 1
    after_dump = np.zeros(len(lift), bool)
    for tick in dumped:
        after_dump[tick : tick + motion.ticks(t.after_dump_s)] = True
    empty = (lift > t.empty_lift) & (motion.load == 0)
    first, end = longest(empty & ~after_dump)
    seconds = (end - first) / motion.fps
    if seconds >= t.empty_lift_s:
        text = f"tool up for {seconds:.1f} s with nothing held"
        span = first / motion.fps, (end - 1) / motion.fps
        return Evidence(*span, "lift", seconds, t.empty_lift_s, text)
    rises = _rises(lift, motion.load, t)
    if len(rises) < t.empty_lifts:
        return None
    text = f"lifted {len(rises)} times with nothing held"
    span = rises[0] / motion.fps, rises[-1] / motion.fps
    return Evidence(*span, "lift", float(len(rises)), t.empty_lifts, text)


def _rises(lift: np.ndarray, load: np.ndarray, t: Thresholds) -> list[int]:
    """Ticks at which an empty tool passes ``empty_lift``, having been down before."""
    found, down = [], True
    for tick in range(len(lift)):
        if lift[tick] < LOWERED * t.empty_lift:
            down = True
        elif down and lift[tick] > t.empty_lift:
            down = False
            if load[tick] == 0:
                found.append(tick)
    return found


def _wall(motion: Motion, t: Thresholds) -> Evidence | None:
    first, end = longest(motion.held_up("touching_boundary"))
    seconds = (end - first) / motion.fps
    if seconds < t.wall_stuck_s:
        return None
    text = f"told to move and held up at the boundary for {seconds:.1f} s"
    span = first / motion.fps, (end - 1) / motion.fps
    return Evidence(*span, "touching_boundary", seconds, t.wall_stuck_s, text)


def _stall(motion: Motion, t: Thresholds) -> Evidence | None:
    apart_m, bearing = motion.trace.signal("nearest_m"), motion.trace.signal("nearest_rad")
    contacts = ("touching_boundary", "touching_furniture")
    pressed = motion.touching(*contacts) | motion.held_up(*contacts)
    free = (motion.load == 0) & np.isfinite(apart_m) & ~pressed
    working = (apart_m < t.stall_near_m) & (np.abs(bearing) < t.reach_rad)
    window = motion.ticks(t.stall_s)
    found = np.zeros(len(free), bool)
    # Stays count from any tick on; every fourth is enough to find one of so many.
    for begin in range(0, len(free) - window, max(1, window // 20)):
        span = slice(begin, begin + window + 1)
        if not free[span].all() or working[span].mean() > 0.5:
            continue
        if np.linalg.norm(motion.places[span] - motion.places[begin], axis=1).max() <= t.stall_m:
            found[span] = True
    first, end = longest(found)
    if end == first:
        return None
    seconds = (end - 1 - first) / motion.fps
    text = f"stays in one place for {seconds:.1f} s, holds nothing and goes for no target"
    return Evidence(first / motion.fps, (end - 1) / motion.fps, "x_m", seconds, t.stall_s, text)


def _collapse(motion: Motion, t: Thresholds) -> Evidence | None:
    actions = motion.trace.actions
    if motion.trace.seconds < FEWEST_S:
        return None
    near = (np.abs(actions - np.median(actions, axis=0)) <= t.collapse_spread).all(axis=1)
    share = float(near.mean())
    if share < t.collapse_share:
        return None
    text = f"{share:.0%} of all actions are one value"
    return Evidence(0.0, motion.trace.seconds, "action", share, t.collapse_share, text)


def _jerk(motion: Motion, t: Thresholds) -> Evidence | None:
    stride, actions = motion.trace.stride, motion.trace.actions
    jumps = np.abs(np.diff(actions, axis=0))
    borders = np.arange(1, len(actions)) % stride == 0
    if stride < 2 or borders.sum() < FEWEST_BORDERS:
        return None
    # Medians: a lever that happens to switch at some borders does not move them.
    at_borders, inside = np.median(jumps[borders], axis=0), np.median(jumps[~borders], axis=0)
    ratios = np.where(at_borders >= t.jerk_size, at_borders / np.maximum(inside, STEADY), 0.0)
    worst = int(ratios.argmax())
    ratio, jump = float(ratios[worst]), float(at_borders[worst])
    if ratio < t.jerk_ratio:
        return None
    channel = motion.trace.action_names[worst]
    text = f"{channel} jumps by {jump:.2f} where chunks meet, {ratio:.1f} times as inside"
    return Evidence(0.0, motion.trace.seconds, "action", ratio, t.jerk_ratio, text)


def _dropped(motion: Motion, t: Thresholds) -> Evidence | None:
    for tick in np.flatnonzero(np.diff(motion.load) < 0) + 1:
        lost = motion.load[tick - 1] - motion.load[tick]
        later = min(len(motion.load) - 1, tick + motion.ticks(t.drop_s))
        counted = motion.delivered[later] - motion.delivered[tick - 1]
        if counted < lost:
            at_s = float(tick) / motion.fps
            text = f"let {lost:.0f} go at {at_s:.1f} s, of which {counted:.0f} counted"
            return Evidence(at_s, later / motion.fps, "load", lost, 1.0, text)
    return None


def _ghost(motion: Motion, t: Thresholds) -> Evidence | None:
    signal = motion.trace.signal
    bucket, lift, apart_m, bearing = map(signal, ("bucket", "lift", "nearest_m", "nearest_rad"))
    ahead = motion.reach_m - TOOL_DEPTH_M
    known_m = np.where(np.isfinite(apart_m), apart_m, 0.0)
    away_m = np.hypot(known_m * np.cos(bearing) - ahead, known_m * np.sin(bearing))
    away_m = np.where(np.isfinite(apart_m), away_m, np.inf)
    second = motion.ticks(1.0)
    scoops: list[int] = []
    for tick in np.flatnonzero((bucket[1:] >= t.scoop_closed) & (bucket[:-1] < t.scoop_closed)) + 1:
        was_open = bucket[max(0, tick - 2 * second) : tick].min() < t.scoop_closed / 2
        took = motion.load[min(tick + second, len(bucket) - 1)] > motion.load[max(0, tick - second)]
        empty = bool(away_m[tick] > t.ghost_m) and motion.load[tick] == 0 and not took
        if was_open and lift[tick] < t.scoop_lift and empty:
            scoops.append(int(tick))
    steps = np.linalg.norm(np.diff(motion.places, axis=0), axis=1)
    before = motion.ticks(t.ghost_drive_s)
    went = any(steps[max(0, tick - before) : tick].sum() > t.ghost_drive_m for tick in scoops)
    if len(scoops) < t.ghost_scoops or not went:
        return None
    nearest_m = float(away_m[scoops].min())
    near = f"{nearest_m:.2f} m away" if np.isfinite(nearest_m) else "nowhere on the floor"
    text = f"closed on nothing {len(scoops)} times, the nearest target {near}"
    span = max(0.0, scoops[0] / motion.fps - 1.0), scoops[-1] / motion.fps
    return Evidence(*span, "bucket", float(len(scoops)), t.ghost_scoops, text)


def _unsafe(motion: Motion, t: Thresholds) -> Evidence | None:
    trace = motion.trace
    names = [name for name in trace.event_names if name.startswith(VIOLATION_PREFIX)]
    if not names:
        return None
    when = np.flatnonzero(np.any([trace.event(name) > 0 for name in names], axis=0))
    count = int(sum(trace.event(name).sum() for name in names))
    text = ", ".join(f"{name} {trace.event(name).sum()}" for name in names)
    span = float(when[0]) / motion.fps, float(when[-1] + 1) / motion.fps
    return Evidence(*span, "events", float(count), 1.0, text)


_TOOL = ("lift", "load")
_POSE = ("x_m", "y_m", "yaw_rad")
_DECIDED: dict[str, tuple[Decide, tuple[str, ...]]] = {
    **PASSING,
    "LIFTING_LOOP_TRAP": (_lifting, _TOOL),
    "WALL_STUCK": (_wall, (*_POSE, "touching_boundary")),
    "SEARCH_STALL": (_stall, (*_POSE, "load", "nearest_m", "nearest_rad")),
    "ACTION_COLLAPSE": (_collapse, ()),
    "CHUNK_JERK": (_jerk, ()),
    "DROPPED_IN_TRANSPORT": (_dropped, ("load", "delivered")),
    "GHOST_TARGET": (_ghost, (*_POSE, *_TOOL, "bucket", "nearest_m", "nearest_rad")),
    "UNSAFE": (_unsafe, ()),
}
"""What decides on each pattern, and the signals that it needs."""
