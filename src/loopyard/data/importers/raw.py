"""Recordings in the raw form, ours or the predecessor's: a folder an episode with one MP4 a
camera, actions.jsonl and metadata.json."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.outcome import Outcome
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.importers.importer import (
    EpisodeFacts,
    EpisodeRef,
    Frame,
    NoParams,
    Recording,
    StoredVideos,
    unlimited,
)
from loopyard.data.importers.source import natural, require_inside
from loopyard.data.json_file import read_json
from loopyard.data.metadata import SAFE_NAME
from loopyard.data.raw_form import (
    CHUNK,
    EXECUTED_PREFIX,
    FRAME,
    LINES_FILE,
    METADATA_FILE,
    PHASE,
    PREDECESSOR_ACTIONS,
    TIME,
    executed_keys,
    state_keys,
)
from loopyard.data.video import VideoFacts, VideoSettings, decode_video, video_facts

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is taken for a damaged or hostile file."""


class RawImporter:
    """Implements `Importer`. Numbers come back as the same float32, videos as the same bytes.

    A recording that does not tell its channels is read as the predecessor's: steering, throttle,
    bucket and lift are the action, every other number is state.
    """

    name = "raw"
    Params = NoParams

    def __init__(self, source: Path, params: NoParams) -> None:
        self._source = source

    def episodes(self) -> Sequence[EpisodeRef]:
        folders = [path.parent for path in self._source.glob(f"*/{LINES_FILE}")]
        if not folders:
            raise DatasetError(
                expected(str(self._source), f"*/{LINES_FILE}", "none", "raw episodes")
            )
        refs = []
        for folder in sorted(folders, key=lambda path: natural(path.name)):
            for path in (folder / LINES_FILE, folder / METADATA_FILE):
                require_inside(self._source, path)
            slot = _metadata(folder).get("slot")
            if slot is not None and (not isinstance(slot, int) or slot < 0):
                raise DatasetError(
                    expected(str(folder / METADATA_FILE), "slot", slot, "a whole number")
                )
            refs.append(EpisodeRef(folder.name, folder, slot=slot))
        return refs

    def open(self, ref: EpisodeRef) -> Recording:
        folder, metadata = ref.path, _metadata(ref.path)
        first, count = _scan(folder / LINES_FILE)
        spec = _spec(folder, metadata, first)
        chunk_size = metadata.get("chunk_size") or 0
        if not isinstance(chunk_size, int) or chunk_size < 0:
            raise DatasetError(
                expected(str(folder / METADATA_FILE), "chunk_size", chunk_size, "a whole number")
            )
        facts = {}
        for camera in spec.cameras:
            path = folder / f"{camera.name}.mp4"
            require_inside(self._source, path)
            facts[camera] = _checked(path, camera, count)
        return Recording(
            spec,
            _frames(folder, spec, chunk_size, executed_keys(spec)[0] in first),
            _episode_facts(folder, metadata),
            _videos(folder, metadata, facts),
            chunk_size,
        )


def _metadata(folder: Path) -> dict[str, Any]:
    path = folder / METADATA_FILE
    metadata = read_json(path)
    if not isinstance(metadata, dict):
        raise DatasetError(expected(str(path), "content", type(metadata).__name__, "an object"))
    return metadata


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines one after another, each checked for its number."""
    number = 0
    try:
        with path.open("rb") as file:
            while text := file.readline(MAX_LINE_BYTES):
                line = json.loads(text)
                if not isinstance(line, dict) or line.get(FRAME) != number:
                    raise DatasetError(
                        expected(f"{path}:{number + 1}", FRAME, text[:80].decode(), number)
                    )
                yield line
                number += 1
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(expected(f"{path}:{number + 1}", "line", str(error), "JSON")) from error


def _scan(path: Path) -> tuple[dict[str, Any], int]:
    """The first line and how many there are."""
    first, count = None, 0
    for line in _lines(path):
        first = first or line
        count += 1
    if first is None:
        raise DatasetError(expected(str(path), "lines", 0, "one a frame"))
    return first, count


def _spec(folder: Path, metadata: dict[str, Any], first: dict[str, Any]) -> WorldSpec:
    path = folder / METADATA_FILE
    if metadata.get("world") is None:
        return _derived_spec(folder, first)
    try:
        spec = WorldSpec.from_dict(metadata["world"])
    except (KeyError, TypeError) as error:
        raise DatasetError(expected(str(path), "world", repr(error), "a WorldSpec")) from error
    for camera in spec.cameras:
        _require_safe(path, camera.name)
    return spec


def _require_safe(path: Path, camera: str) -> None:
    if not SAFE_NAME.fullmatch(str(camera)):
        raise DatasetError(expected(str(path), "camera", camera, "letters, digits, _.-"))


def _derived_spec(folder: Path, first: dict[str, Any]) -> WorldSpec:
    path = folder / LINES_FILE
    missing = [name for name in PREDECESSOR_ACTIONS if name not in first]
    if missing:
        raise DatasetError(expected(f"{path}:1", "keys", sorted(first), f"{missing} too"))
    state = [
        key
        for key, value in first.items()
        if key not in (FRAME, TIME, PHASE, CHUNK, *PREDECESSOR_ACTIONS)
        and not key.startswith(EXECUTED_PREFIX)
        and _is_number(value)
    ]
    if not state:
        raise DatasetError(expected(f"{path}:1", "keys", sorted(first), "at least one state"))
    facts = {video.stem: video_facts(video) for video in sorted(folder.glob("*.mp4"))}
    if not facts:
        raise DatasetError(expected(str(folder), "*.mp4", "none", "one a camera"))
    for name in facts:
        _require_safe(folder, name)
    return WorldSpec(
        world="raw",
        preset="",
        fps=round(next(iter(facts.values())).fps),
        max_steps=1_000_000,
        task="",
        state=unlimited(state),
        action=VectorSpec(tuple(Channel(name) for name in PREDECESSOR_ACTIONS)),
        cameras=tuple(CameraSpec(name, part.width, part.height) for name, part in facts.items()),
    )


def _checked(path: Path, camera: CameraSpec, count: int) -> VideoFacts:
    facts = video_facts(path)
    found = (facts.frames, facts.width, facts.height)
    wanted = (count, camera.width, camera.height)
    if found != wanted:
        raise DatasetError(
            expected(str(path), "frames, width, height", found, f"{wanted}, as {LINES_FILE} says")
        )
    return facts


def _videos(
    folder: Path, metadata: dict[str, Any], facts: dict[CameraSpec, VideoFacts]
) -> StoredVideos | None:
    """The files as they may be copied; None where they must be encoded anew."""
    encodings = {(part.codec, part.pix_fmt) for part in facts.values()}
    if encodings not in ({("h264", "yuv444p")}, {("h264", "yuv420p")}):
        return None
    told = metadata.get("video")
    try:
        settings = (
            VideoSettings(**told)
            if isinstance(told, dict)
            else VideoSettings(pix_fmt=next(iter(facts.values())).pix_fmt)  # type: ignore[arg-type]
        )
    except (ValueError, TypeError) as error:
        raise DatasetError(
            expected(str(folder / METADATA_FILE), "video", told, "video settings")
        ) from error
    return StoredVideos({camera.name: folder / f"{camera.name}.mp4" for camera in facts}, settings)


def _episode_facts(folder: Path, metadata: dict[str, Any]) -> EpisodeFacts:
    result = metadata.get("result")
    try:
        told = result if isinstance(result, dict) else {}
        return EpisodeFacts(
            success=bool(told["success"]) if "success" in told else None,
            outcome=Outcome.from_dict(told) if "steps" in told else None,
            source=metadata.get("source") or "expert",
            seed=int(metadata.get("seed") or 0),
            scenario=dict(metadata.get("scenario") or {}),
            meta=dict(metadata.get("meta") or {}),
        )
    except (TypeError, ValueError) as error:
        raise DatasetError(
            expected(str(folder / METADATA_FILE), "content", str(error), "scenario, result, seed")
        ) from error


def _frames(
    folder: Path, spec: WorldSpec, chunk_size: int, has_executed: bool
) -> Generator[Frame, None, None]:
    path = folder / LINES_FILE
    cameras = [camera.name for camera in spec.cameras]
    videos = [decode_video(folder / f"{name}.mp4") for name in cameras]
    for number, line in enumerate(_lines(path)):
        where = f"{path}:{number + 1}"
        images = {name: next(video, None) for name, video in zip(cameras, videos, strict=True)}
        for name, image in images.items():
            if image is None:
                raise DatasetError(
                    expected(str(folder / f"{name}.mp4"), "frames", number, "one a line")
                )
        executed = _numbers(where, line, executed_keys(spec)) if has_executed else None
        yield Frame(
            time_s=float(line[TIME]) if _is_number(line.get(TIME)) else number / spec.fps,
            images=images,  # type: ignore[arg-type]
            state=_numbers(where, line, state_keys(spec)),
            action=_numbers(where, line, spec.action.names),
            executed=executed,
            phase=str(line.get(PHASE, "")),
            chunk=_chunk(where, line, chunk_size, spec.action.size) if chunk_size else None,
        )


def _numbers(where: str, line: dict[str, Any], keys: list[str]) -> np.ndarray:
    for key in keys:
        if not _is_number(line.get(key)):
            raise DatasetError(expected(where, key, line.get(key), "a number"))
    return np.array([line[key] for key in keys], np.float32)


def _chunk(where: str, line: dict[str, Any], size: int, actions: int) -> np.ndarray | None:
    told = line.get(CHUNK)
    if told is None:
        return None
    if not isinstance(told, list) or len(told) != size * actions or not all(map(_is_number, told)):
        raise DatasetError(expected(where, CHUNK, told, f"{size * actions} numbers, or null"))
    return np.array(told, np.float32).reshape(size, actions)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
