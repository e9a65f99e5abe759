"""Many topics onto one clock: which picture and which numbers belong to each tick."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.data.importers.bags.numbers import ANGLES

NS = 1_000_000_000


@dataclass(frozen=True)
class Track:
    """The messages of one topic. stamps_ns: (N,) int64, never falling. names: of the C numbers.

    values: (N, C) float64; of pictures C is 0.
    """

    topic: str
    stamps_ns: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray

    def rate_hz(self) -> float:
        """Messages a second: one over the median time between two; 0 of fewer than two."""
        steps = np.diff(self.stamps_ns)
        return float(NS / np.median(steps)) if steps.size and np.median(steps) > 0 else 0.0


@dataclass(frozen=True)
class Timeline:
    """T ticks. pictures: (T,) int64 a camera: the number of its message, never falling.

    state: (T, S) and action: (T, A) float32. ended: why it stops before the bag does, or None.
    """

    start_ns: int
    pictures: dict[str, np.ndarray]
    state: np.ndarray
    action: np.ndarray
    ended: str | None

    @property
    def length(self) -> int:
        return len(self.action)


def track(
    where: str, topic: str, stamps_ns: Sequence[int], names: Sequence[str], values: np.ndarray
) -> Track:
    """A topic's messages as a track.

    Raises:
        DatasetError: no message, or a stamp that is earlier than the one before.
    """
    if not len(stamps_ns):
        raise DatasetError(expected(where, topic, "no message", "at least 1"))
    stamps = np.array(stamps_ns, np.int64)
    falls = np.flatnonzero(np.diff(stamps) < 0)
    if falls.size:
        at = int(falls[0]) + 1
        raise DatasetError(
            expected(
                where,
                f"{topic}: header.stamp of message {at}",
                f"{stamps[at] / NS:.6f} s after {stamps[at - 1] / NS:.6f} s",
                "stamps that grow; stamps=receive takes the recorder's times",
            )
        )
    return Track(topic, stamps, tuple(names), values)


def timeline(
    where: str,
    cameras: dict[str, Track],
    state: Sequence[Track],
    action: Sequence[Track],
    *,
    fps: int,
    tolerance_s: float,
    linear: bool,
    max_gap_s: float,
) -> Timeline:
    """Bring all tracks to ``fps``, from when the last of them begins to when the first ends.

    A picture is the one nearest to the tick (the earlier of two as near), at most tolerance_s away.
    A command holds until the next one; so does a state, or it is interpolated where ``linear``.
    Where a number is older than max_gap_s, or interpolated over more, or no picture is near
    enough, the timeline ends.

    Raises:
        DatasetError: the topics have no time, or not a single tick, in common.
    """
    tracks = [*cameras.values(), *state, *action]
    first = max(int(part.stamps_ns[0]) for part in tracks)
    last = min(int(part.stamps_ns[-1]) for part in tracks)
    if last < first:
        spans = {
            part.topic: f"{part.stamps_ns[0] / NS:.3f} to {part.stamps_ns[-1] / NS:.3f} s"
            for part in tracks
        }
        raise DatasetError(
            expected(
                where,
                "times of topics",
                spans,
                "some time in common; stamps=receive takes the recorder's times",
            )
        )
    limits = [*([2 * tolerance_s] * len(cameras)), *([max_gap_s] * (len(state) + len(action)))]
    reach = [
        len(part.stamps_ns) * (math.ceil(limit_s * fps) + 1) + 1
        for part, limit_s in zip(tracks, limits, strict=True)
    ]  # a wild stamp must not make billions of ticks: more than these have a gap among them
    count = min((last - first) * fps // NS + 1, *reach)
    ticks = first + np.arange(count, dtype=np.int64) * NS // fps
    gaps = []
    pictures = {}
    for name, part in cameras.items():
        pictures[name], away_ns = _nearest(part.stamps_ns, ticks)
        gaps.append((part.topic, away_ns, tolerance_s, "from the nearest picture"))
    for part in [*state, *action]:
        gaps.append((part.topic, _age(part, ticks), max_gap_s, "since the last message"))
    if linear:
        for part in state:
            gaps.append((part.topic, _bridged(part, ticks), max_gap_s, "between two messages"))
    length, ended = _until_gap(gaps, count, fps)
    if not length:
        raise DatasetError(expected(where, "ticks", f"0 ({ended})", "at least 1"))
    ticks = ticks[:length]
    return Timeline(
        start_ns=first,
        pictures={name: part[:length] for name, part in pictures.items()},
        state=_joined([_linear(p, ticks) if linear else _held(p, ticks) for p in state], length),
        action=_joined([_held(part, ticks) for part in action], length),
        ended=ended,
    )


def _nearest(stamps: np.ndarray, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the stamp nearest to each tick, and how far it is."""
    after = np.searchsorted(stamps, ticks).clip(0, len(stamps) - 1)
    before = (after - 1).clip(0)
    index = np.where(np.abs(stamps[before] - ticks) <= np.abs(stamps[after] - ticks), before, after)
    return index, np.abs(stamps[index] - ticks)


def _before(part: Track, ticks: np.ndarray) -> np.ndarray:
    """The index of the last message at or before each tick."""
    return np.searchsorted(part.stamps_ns, ticks, side="right") - 1


def _age(part: Track, ticks: np.ndarray) -> np.ndarray:
    return ticks - part.stamps_ns[_before(part, ticks)]


def _bridged(part: Track, ticks: np.ndarray) -> np.ndarray:
    """The time between the two messages around each tick; 0 on a message."""
    before = _before(part, ticks)
    after = (before + 1).clip(max=len(part.stamps_ns) - 1)
    spans = part.stamps_ns[after] - part.stamps_ns[before]
    return np.where(part.stamps_ns[before] == ticks, 0, spans)


def _until_gap(
    gaps: list[tuple[str, np.ndarray, float, str]], count: int, fps: int
) -> tuple[int, str | None]:
    """How many ticks come before the first gap, and what that gap is."""
    length, ended = count, None
    for topic, ns, limit_s, what in gaps:
        over = np.flatnonzero(ns > round(limit_s * NS))
        if over.size and over[0] < length:
            length = int(over[0])
            ended = (
                f"gap: {topic}: {ns[length] / NS:.3f} s {what} at {length / fps:.2f} s, "
                f"more than {limit_s:g} s"
            )
    return length, ended


def _held(part: Track, ticks: np.ndarray) -> np.ndarray:
    return part.values[_before(part, ticks)]


def _linear(part: Track, ticks: np.ndarray) -> np.ndarray:
    """Interpolated; angles the short way round, in (-pi, pi]."""
    at, stamps = ticks - ticks[0], part.stamps_ns - ticks[0]
    columns = []
    for name, values in zip(part.names, part.values.T, strict=True):
        if name in ANGLES:
            turned = np.interp(at, stamps, np.unwrap(values))
            columns.append(np.arctan2(np.sin(turned), np.cos(turned)))
        else:
            columns.append(np.interp(at, stamps, values))
    return np.stack(columns, axis=1)


def _joined(parts: list[np.ndarray], length: int) -> np.ndarray:
    return np.concatenate([np.empty((length, 0)), *parts], axis=1).astype(np.float32)
