"""Are the videos whole, of the right size, and not black?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import CameraSpec
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset
from loopyard.data.shard import file_facts
from loopyard.data.video import decode_video, video_facts

A_STEP_APART = 7919
"""A prime: the runs of frames that are looked at begin at different places of their episodes."""


def check_files(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Each camera's files: frames as rows, resolution and rate as told, bytes as recorded."""
    for camera in dataset.spec.cameras:
        wrong = [
            problem
            for path, needed in _frames_needed(dataset, camera).items()
            if (problem := _file_problem(path, needed, camera, dataset.fps))
        ]
        wrong += _changed_files(dataset, camera)
        where = wrong[0] if wrong else ""
        yield Check(
            f"video files: {camera.name}",
            "fail" if wrong else "pass",
            f"{len(wrong)} damaged",
            f"{camera.width} x {camera.height}, "
            f"{dataset.fps} frames/s, frames as rows, bytes as recorded",
            where,
        )


def _frames_needed(dataset: Dataset, camera: CameraSpec) -> dict[Path, int]:
    needed: dict[Path, int] = {}
    for entry in dataset.episodes:
        part = entry.videos[camera.key]
        needed[part.path] = max(needed.get(part.path, 0), part.first_frame + entry.length)
    return needed


def _file_problem(path: Path, needed: int, camera: CameraSpec, fps: int) -> str:
    try:
        facts = video_facts(path)
    except DatasetError as error:
        return str(error)
    if facts.frames != needed:
        return expected(str(path), "frames", facts.frames, needed)
    if (facts.width, facts.height) != (camera.width, camera.height):
        return expected(
            str(path),
            "resolution",
            f"{facts.width} x {facts.height}",
            f"{camera.width} x {camera.height}",
        )
    if abs(facts.fps - fps) > 0.01:
        return expected(str(path), "frames/s", facts.fps, fps)
    return ""


def _changed_files(dataset: Dataset, camera: CameraSpec) -> list[str]:
    """Files of our own whose bytes are not those that their recorder wrote."""
    changed = []
    for entry in dataset.episodes:
        told = entry.files.get(f"{camera.name}.mp4")
        path = entry.videos[camera.key].path
        if told is not None and file_facts(path) != told:
            changed.append(expected(str(path), "sha256", "another", told.get("sha256")))
    return changed


def check_frames(dataset: Dataset, limits: Thresholds, *, thorough: bool) -> Iterator[Check]:
    """Decode frames, all of them or some of some episodes, and look for black ones."""
    for camera in dataset.spec.cameras:
        seen, black = 0, []
        for episode, first, count in _runs(dataset, limits, thorough=thorough):
            frames = _decode(dataset, camera, episode, first, count)
            dark = sum(int(frame.max()) <= limits.black_level for frame in frames)
            seen += count
            if dark:
                black.append(f"{dark} in episode {episode}")
        yield Check(
            f"black frames: {camera.name}",
            "fail" if black else "pass",
            f"{len(black)} episodes with black frames; {seen} frames decoded",
            "none",
            ", ".join(black[:4]),
        )


def _runs(
    dataset: Dataset, limits: Thresholds, *, thorough: bool
) -> Iterator[tuple[int, int, int]]:
    """(episode, first frame, frames) of what is to be decoded."""
    count = dataset.num_episodes
    if thorough:
        for entry in dataset.episodes:
            yield entry.index, 0, entry.length
        return
    for episode in np.unique(np.linspace(0, count - 1, limits.sampled_episodes).astype(int)):
        length = dataset.episodes[episode].length
        frames = min(length, limits.sampled_frames)
        yield int(episode), int(episode * A_STEP_APART % (length - frames + 1)), frames


def _decode(
    dataset: Dataset, camera: CameraSpec, episode: int, first: int, count: int
) -> Iterator[np.ndarray]:
    part = dataset.episodes[episode].videos[camera.key]
    given = 0
    for frame in decode_video(part.path, first=part.first_frame + first, count=count):
        given += 1
        yield frame
    if given != count:
        raise DatasetError(
            expected(str(part.path), f"frames from {first} of episode {episode}", given, count)
        )
