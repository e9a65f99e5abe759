"""What the decoded frames show: black ones, frozen stretches, pictures that come twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loopyard.core.errors import DatasetError
from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.audit.integrity.episodes import in_words
from loopyard.data.audit.integrity.rows import Reader
from loopyard.data.audit.report import Check, Verdict
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset
from loopyard.data.video import decode_video
from loopyard.executors.executor import Executor

A_STEP_APART = 7919
"""A prime: the runs of frames that are looked at begin at different places of their episodes."""


@dataclass(frozen=True)
class FrameJob:
    """A stretch of one episode of one camera to be decoded.

    state: (count, S) float32 in parts of each channel's spread; what the robot did meanwhile.
    """

    camera: str
    episode: int
    path: Path
    first: int
    state: np.ndarray
    size: tuple[int, int]
    limits: Thresholds


@dataclass
class Seen:
    """What one job's frames showed. black, frozen, repeated: numbers of frames.

    repeated: equal to the frame before though the robot moved. still: the longest stretch of equal
    frames during which it went further than the thresholds allow. print: names the pictures.
    """

    camera: str
    episode: int
    frames: int = 0
    black: int = 0
    repeated: int = 0
    moving: int = 0
    still: int = 0
    print: bytes = b""
    error: str = ""


def look(job: FrameJob) -> Seen:
    """Decode a stretch, one frame in memory at a time."""
    seen, limits = Seen(job.camera, job.episode), job.limits
    count, digest = len(job.state), hashlib.blake2b(digest_size=16)
    steps = _second_largest(np.diff(job.state, axis=0))
    moving = steps > limits.still_px / min(job.size)
    before: np.ndarray | None = None
    held = 0
    try:
        for frame in decode_video(job.path, first=job.first, count=count):
            if frame.shape[:2] != job.size:
                seen.error = f"{job.path}: a frame of {frame.shape[1]} x {frame.shape[0]}"
                return seen
            number = seen.frames
            seen.frames += 1
            seen.black += int(frame.max()) <= limits.black_level
            digest.update(np.ascontiguousarray(frame).data)
            if before is not None:
                moved = bool(moving[number - 1])
                seen.moving += moved
                if _equal(before, frame, limits.equal_level):
                    seen.repeated += moved
                else:
                    held = number
                gone = _second_largest(job.state[number] - job.state[held])
                if gone > limits.frozen_way:
                    seen.still = max(seen.still, number - held + 1)
            before = frame
    except DatasetError as error:
        seen.error = str(error)
    if not seen.error and seen.frames != count:
        seen.error = f"{job.path}: {seen.frames} of {count} frames from {job.first}"
    seen.print = digest.digest()
    return seen


def _second_largest(change: np.ndarray) -> np.ndarray:
    """(..., S) to (...): the way of the channel that goes second furthest, of the only one."""
    ways = np.sort(np.abs(change), axis=-1)
    return ways[..., max(0, ways.shape[-1] - 2)]


def _equal(one: np.ndarray, other: np.ndarray, level: int) -> bool:
    """Does no pixel differ by more than a codec's noise?"""
    return int((np.maximum(one, other) - np.minimum(one, other)).max()) <= level


def make_looker() -> Callable[[FrameJob], Seen]:
    """For an executor: what a worker calls."""
    return look


def check_frames(
    dataset: Dataset, limits: Thresholds, executor: Executor, *, thorough: bool
) -> Iterator[Check]:
    """Decode frames, all of them or a run of some episodes, in the executor's workers."""
    found: dict[str, list[Seen]] = {camera.name: [] for camera in dataset.spec.cameras}
    for seen in executor.map(make_looker, _jobs(dataset, limits, thorough=thorough)):
        found[seen.camera].append(seen)
    for camera, all_seen in found.items():
        all_seen.sort(key=lambda seen: seen.episode)
        yield from _judge(camera, all_seen, limits)


def _jobs(dataset: Dataset, limits: Thresholds, *, thorough: bool) -> Iterator[FrameJob]:
    chosen = None if thorough else set(_sample(dataset, limits))
    for episode, state in _states(dataset, chosen):
        entry = dataset.episodes[episode]
        first, count = 0, entry.length
        if not thorough:
            count = min(entry.length, limits.sampled_frames)
            first = episode * A_STEP_APART % (entry.length - count + 1)
        for camera in dataset.spec.cameras:
            part = entry.videos[camera.key]
            yield FrameJob(
                camera=camera.name,
                episode=episode,
                path=part.path,
                first=part.first_frame + first,
                state=state[first : first + count],
                size=(camera.height, camera.width),
                limits=limits,
            )


def _sample(dataset: Dataset, limits: Thresholds) -> np.ndarray:
    last = dataset.num_episodes - 1
    return np.unique(np.linspace(0, last, limits.sampled_episodes).astype(int))


def _states(dataset: Dataset, chosen: set[int] | None) -> Iterator[tuple[int, np.ndarray]]:
    """(episode, its states in parts of each channel's spread) of the chosen ones, one by one.

    Without a state, how far the actions have added up stands for where the robot is.
    """
    scale = _scale(dataset)
    key = STATE_KEY if dataset.spec.state.size else ACTION_KEY
    parts: list[np.ndarray] = []
    for piece in Reader(dataset).pieces([key]):
        if (chosen is not None and piece.episode not in chosen) or key not in piece.values:
            continue
        values = piece.values[key]
        parts.append(np.nan_to_num(values.reshape(len(values), -1) / scale).astype(np.float32))
        if piece.tick + piece.count == dataset.episodes[piece.episode].length:
            state = np.concatenate(parts)
            if key == ACTION_KEY:
                state = np.cumsum(state, axis=0) / len(state)
            if len(state) == dataset.episodes[piece.episode].length:
                yield piece.episode, state
            parts = []


def _scale(dataset: Dataset) -> np.ndarray:
    """(S,) how far each channel of the state goes, as meta/stats.json tells; else 1."""
    spec, key = dataset.spec, STATE_KEY if dataset.spec.state.size else ACTION_KEY
    told = dataset.stats.get(key)
    size = spec.state.size or spec.action.size
    try:
        low, high = (np.asarray(told[name], np.float64).ravel() for name in ("min", "max"))  # type: ignore[index]
        spread = high - low
    except (TypeError, KeyError, ValueError):
        return np.ones(size)
    usable = spread.shape == (size,) and np.isfinite(spread).all()
    return np.where(spread > 1e-9, spread, np.inf) if usable else np.ones(size)


def _judge(camera: str, found: list[Seen], limits: Thresholds) -> Iterator[Check]:
    frames = sum(seen.frames for seen in found)
    yield _check(f"decoding: {camera}", [seen for seen in found if seen.error], frames, "fail")
    black = [seen for seen in found if seen.black]
    yield _check(f"black frames: {camera}", black, frames, "fail")
    frozen = [seen for seen in found if seen.still >= limits.frozen_frames]
    yield _check(f"frozen frames: {camera}", frozen, frames, "warn")
    twice = [
        seen
        for seen in found
        if seen not in frozen
        and seen.moving >= limits.repeated_least
        and seen.repeated > limits.repeated_warn * seen.moving
    ]
    yield _check(f"duplicated frames: {camera}", twice, frames, "warn")
    first: dict[bytes, Seen] = {}
    again = []
    for seen in found:
        if seen.frames > 1 and not seen.error and first.setdefault(seen.print, seen) is not seen:
            again.append(seen)
    yield _check(f"duplicated videos: {camera}", again, frames, "warn")


WANTED = {
    "decoding": "every frame of the episode",
    "black frames": "none",
    "frozen frames": "pictures that change while the robot moves",
    "duplicated frames": "a new picture at each tick at which the robot moves",
    "duplicated videos": "pictures of its own for each episode",
}


def _check(name: str, wrong: list[Seen], frames: int, severity: Verdict) -> Check:
    kind = name.partition(":")[0]
    episodes = tuple(seen.episode for seen in wrong)
    detail = {
        "decoding": lambda seen: seen.error,
        "black frames": lambda seen: f"{seen.black} in episode {seen.episode}",
        "frozen frames": lambda seen: f"{seen.still} in a row in episode {seen.episode}",
        "duplicated frames": lambda seen: f"{seen.repeated} in episode {seen.episode}",
        "duplicated videos": lambda seen: f"episode {seen.episode}",
    }[kind]
    named = ": " + "; ".join(detail(seen) for seen in wrong[:4]) if wrong else ""
    return Check(
        name,
        severity if wrong else "pass",
        f"{len(wrong)} episodes, {frames} frames decoded{named}",
        WANTED[kind],
        in_words(episodes),
        episodes=episodes,
    )
