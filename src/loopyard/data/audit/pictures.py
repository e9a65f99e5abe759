"""Are the video files what the metadata says: frames, size, rate, bytes?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from loopyard.core.errors import DatasetError
from loopyard.core.specs import CameraSpec
from loopyard.data.audit.integrity.episodes import in_words
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset
from loopyard.data.shard import file_facts
from loopyard.data.video import video_facts

KINDS = {
    "video file": "a video that opens",
    "video frames": "as many frames as the file's episodes have",
    "video size": "the declared size",
    "video rate": "the dataset's rate",
    "video changed": "the bytes that its recorder wrote",
}


def check_files(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Each camera's files against what is told of them; nothing is decoded."""
    for camera in dataset.spec.cameras:
        problems: dict[str, dict[Path, str]] = defaultdict(dict)
        owners: dict[Path, list[int]] = defaultdict(list)
        for path, (needed, episodes) in _needed(dataset, camera).items():
            owners[path] = episodes
            for kind, found in _file_problems(path, needed, camera, dataset.fps):
                problems[kind][path] = found
        for path in _changed_files(dataset, camera):
            problems["video changed"][path] = "another sha256"
        for kind, wanted in KINDS.items():
            found = problems[kind]
            own = tuple(sorted({index for path in found for index in owners[path]}))
            told = "; ".join(f"{path}: found {what}" for path, what in list(found.items())[:4])
            yield Check(
                f"{kind}: {camera.name}",
                "fail" if found else "pass",
                told or f"{len(owners)} files as told",
                wanted,
                in_words(own),
                episodes=own,
            )


def _needed(dataset: Dataset, camera: CameraSpec) -> dict[Path, tuple[int, list[int]]]:
    """{file: (frames that its episodes need, those episodes)}."""
    needed: dict[Path, tuple[int, list[int]]] = {}
    for entry in dataset.episodes:
        part = entry.videos[camera.key]
        most, episodes = needed.get(part.path, (0, []))
        needed[part.path] = (max(most, part.first_frame + entry.length), [*episodes, entry.index])
    return needed


def _file_problems(
    path: Path, needed: int, camera: CameraSpec, fps: int
) -> Iterator[tuple[str, str]]:
    try:
        facts = video_facts(path)
    except DatasetError as error:
        yield "video file", str(error)
        return
    if facts.frames != needed:
        yield "video frames", f"{facts.frames} frames, expected {needed}"
    if (facts.width, facts.height) != (camera.width, camera.height):
        found = f"{facts.width} x {facts.height}"
        yield "video size", f"{found}, expected {camera.width} x {camera.height}"
    if abs(facts.fps - fps) > 0.01:
        yield "video rate", f"{facts.fps:g} frames/s, expected {fps}"


def _changed_files(dataset: Dataset, camera: CameraSpec) -> Iterator[Path]:
    """Files of our own whose bytes are not those that their recorder wrote."""
    for entry in dataset.episodes:
        told = entry.files.get(f"{camera.name}.mp4")
        path = entry.videos[camera.key].path
        if told is not None and path.is_file() and file_facts(path) != told:
            yield path
