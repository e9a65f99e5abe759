"""Recordings in the raw form, ours or the predecessor's, into a dataset."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.outcome import Outcome
from loopyard.core.specs import ACTION_KEY, STATE_KEY, CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.data.columns import CHUNK_KEY, EXECUTED_KEY, PHASE_KEY, recorded_table
from loopyard.data.dataset import Dataset
from loopyard.data.episode import EpisodeRow
from loopyard.data.json_file import read_json
from loopyard.data.layout import INFO_FILE, staging_folder
from loopyard.data.metadata import SAFE_NAME
from loopyard.data.raw.form import (
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
from loopyard.data.shard import durable_shard, publish_shard, write_shard
from loopyard.data.stats import ImageHistogram
from loopyard.data.video import VideoSettings, decode_video, video_facts
from loopyard.store.space import naming_full_disk

UNLIMITED = 1e9
"""The limit of a state channel of which none is told; JSON has no infinity."""


@dataclass(frozen=True)
class _Recording:
    """One raw episode, read and checked."""

    folder: Path
    lines: list[dict[str, Any]]
    metadata: dict[str, Any]
    spec: WorldSpec
    video: VideoSettings
    chunk_size: int


def import_raw(folder: Path, out: Path, on_episode: Callable[[int], None] | None = None) -> Dataset:
    """Read every ``*/actions.jsonl`` under ``folder`` into a dataset at ``out``.

    Numbers come back as the same float32 and videos are copied as they are. A recording that does
    not tell its channels is read as the predecessor's: steering, throttle, bucket and lift are the
    action, every other number is state. Run again to go on where it stopped.

    Raises:
        DatasetError: names the file and line or field that is missing or does not fit.
    """
    folder, out = Path(folder), Path(out)
    folders = sorted(path.parent for path in folder.glob(f"*/{LINES_FILE}"))
    if not folders:
        raise DatasetError(expected(str(folder), f"*/{LINES_FILE}", "none", "raw episodes"))
    if (out / INFO_FILE).exists():
        raise DatasetError(expected(str(out), "folder", "a dataset", "an empty folder"))
    builder: DatasetBuilder | None = None
    for number, path in enumerate(folders):
        recording = _read(path)
        if builder is None:
            builder = DatasetBuilder(
                out, recording.spec, video=recording.video, chunk_size=recording.chunk_size
            )
        _require_same(builder, recording)
        row = _row(recording, number)
        if durable_shard(out, row.slot) is None:
            with naming_full_disk(out):
                _write(recording, row, out)
        if on_episode is not None:
            on_episode(number)
    assert builder is not None
    return builder.seal()


def _read(folder: Path) -> _Recording:
    lines = _read_lines(folder / LINES_FILE)
    path = folder / METADATA_FILE
    metadata = read_json(path)
    if not isinstance(metadata, dict):
        raise DatasetError(expected(str(path), "content", type(metadata).__name__, "an object"))
    if metadata.get("world") is None:
        spec = _derived_spec(folder, lines)
    else:
        try:
            spec = WorldSpec.from_dict(metadata["world"])
        except (KeyError, TypeError) as error:
            raise DatasetError(expected(str(path), "world", repr(error), "a WorldSpec")) from error
    chunk_size = metadata.get("chunk_size") or 0
    if not isinstance(chunk_size, int) or chunk_size < 0:
        raise DatasetError(expected(str(path), "chunk_size", chunk_size, "a whole number"))
    return _Recording(
        folder, lines, metadata, spec, _video_settings(folder, metadata, spec, lines), chunk_size
    )


def _read_lines(path: Path) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    try:
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines()):
            line = json.loads(text)
            if not isinstance(line, dict) or line.get(FRAME) != number:
                raise DatasetError(expected(f"{path}:{number + 1}", FRAME, text[:80], number))
            lines.append(line)
    except (OSError, ValueError) as error:
        raise DatasetError(
            expected(f"{path}:{len(lines) + 1}", "line", str(error), "JSON")
        ) from error
    if not lines:
        raise DatasetError(expected(str(path), "lines", 0, "one a frame"))
    return lines


def _derived_spec(folder: Path, lines: list[dict[str, Any]]) -> WorldSpec:
    path = folder / LINES_FILE
    missing = [name for name in PREDECESSOR_ACTIONS if name not in lines[0]]
    if missing:
        raise DatasetError(expected(f"{path}:1", "keys", sorted(lines[0]), f"{missing} too"))
    state = [
        key
        for key, value in lines[0].items()
        if key not in (FRAME, TIME, PHASE, CHUNK, *PREDECESSOR_ACTIONS)
        and not key.startswith(EXECUTED_PREFIX)
        and _is_number(value)
    ]
    if not state:
        raise DatasetError(expected(f"{path}:1", "keys", sorted(lines[0]), "at least one state"))
    videos = sorted(folder.glob("*.mp4"))
    facts = {video.stem: video_facts(video) for video in videos}
    if not facts:
        raise DatasetError(expected(str(folder), "*.mp4", "none", "one a camera"))
    for name in facts:
        if not SAFE_NAME.fullmatch(name):
            raise DatasetError(expected(str(folder), "camera", name, "letters, digits, _.-"))
    return WorldSpec(
        world="raw",
        preset="",
        fps=round(next(iter(facts.values())).fps),
        max_steps=1_000_000,
        task="",
        state=VectorSpec(tuple(Channel(name, low=-UNLIMITED, high=UNLIMITED) for name in state)),
        action=VectorSpec(tuple(Channel(name) for name in PREDECESSOR_ACTIONS)),
        cameras=tuple(CameraSpec(name, part.width, part.height) for name, part in facts.items()),
    )


def _video_settings(
    folder: Path, metadata: dict[str, Any], spec: WorldSpec, lines: list[dict[str, Any]]
) -> VideoSettings:
    """The settings told, or what the files are; every camera's frames must be as many as lines."""
    found = None
    for camera in spec.cameras:
        if not SAFE_NAME.fullmatch(camera.name):
            raise DatasetError(
                expected(str(folder / METADATA_FILE), "camera", camera.name, "letters, digits, _.-")
            )
        path = folder / f"{camera.name}.mp4"
        facts = video_facts(path)
        wanted = (len(lines), camera.width, camera.height)
        if (facts.frames, facts.width, facts.height) != wanted:
            raise DatasetError(
                expected(
                    str(path),
                    "frames, width, height",
                    (facts.frames, facts.width, facts.height),
                    wanted,
                )
            )
        if facts.codec != "h264" or facts.pix_fmt not in ("yuv444p", "yuv420p"):
            raise DatasetError(
                expected(
                    str(path),
                    "encoding",
                    f"{facts.codec} {facts.pix_fmt}",
                    "h264 in yuv420p or yuv444p",
                )
            )
        found = VideoSettings(pix_fmt=facts.pix_fmt)
    told = metadata.get("video")
    if isinstance(told, dict):
        try:
            return VideoSettings(**told)
        except (ValueError, TypeError) as error:
            raise DatasetError(
                expected(str(folder / METADATA_FILE), "video", told, "video settings")
            ) from error
    return found or VideoSettings()


def _require_same(builder: DatasetBuilder, recording: _Recording) -> None:
    pairs = {
        "world": (recording.spec, builder.spec),
        "chunk_size": (recording.chunk_size, builder.chunk_size),
        "video": (recording.video, builder.video),
    }
    for name, (found, wanted) in pairs.items():
        if found != wanted:
            raise DatasetError(
                expected(
                    str(recording.folder / METADATA_FILE),
                    name,
                    found,
                    f"{wanted!r}, as in the first episode",
                )
            )


def _row(recording: _Recording, number: int) -> EpisodeRow:
    metadata, length = recording.metadata, len(recording.lines)
    told = metadata.get("slot")
    try:
        result = metadata.get("result")
        outcome = (
            Outcome.from_dict(result)
            if isinstance(result, dict) and "steps" in result
            else (_derived_outcome(result, length, recording.spec.fps))
        )
        return EpisodeRow(
            slot=number if told is None else int(told),
            seed=int(metadata.get("seed") or 0),
            scenario=dict(metadata.get("scenario") or {}),
            outcome=outcome,
            source=metadata.get("source") or "expert",
            length=length,
            kept=True,
            meta=dict(metadata.get("meta") or {}),
        )
    except (TypeError, ValueError) as error:
        raise DatasetError(
            expected(
                str(recording.folder / METADATA_FILE),
                "content",
                str(error),
                "scenario, result, seed",
            )
        ) from error


def _derived_outcome(result: Any, length: int, fps: int) -> Outcome:
    """What can be said of a recording whose result has the predecessor's fields or none."""
    success = bool(result.get("success", True)) if isinstance(result, dict) else True
    return Outcome(
        success=success,
        progress=float(success),
        steps=length,
        seconds=length / fps,
        reason="success" if success else "unknown",
    )


def _write(recording: _Recording, row: EpisodeRow, out: Path) -> None:
    spec = recording.spec
    staging = staging_folder(out, row.slot)
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    histograms = {}
    for camera in spec.cameras:
        source = recording.folder / f"{camera.name}.mp4"
        shutil.copyfile(source, staging / source.name)
        histograms[camera.key] = ImageHistogram()
        for frame in decode_video(source):
            histograms[camera.key].offer(frame)
    table = recorded_table(spec, recording.chunk_size, _columns(recording))
    write_shard(
        staging,
        row,
        table,
        spec=spec,
        chunk_size=recording.chunk_size,
        video=recording.video,
        histograms=histograms,
    )
    publish_shard(staging, out, row)


def _columns(recording: _Recording) -> dict[str, Any]:
    spec, lines = recording.spec, recording.lines
    path = recording.folder / LINES_FILE
    columns: dict[str, Any] = {
        STATE_KEY: _numbers(path, lines, state_keys(spec)),
        ACTION_KEY: _numbers(path, lines, spec.action.names),
        PHASE_KEY: [str(line.get(PHASE, "")) for line in lines],
    }
    told = executed_keys(spec)[0] in lines[0]
    columns[EXECUTED_KEY] = (
        _numbers(path, lines, executed_keys(spec)) if told else columns[ACTION_KEY]
    )
    if recording.chunk_size:
        columns[CHUNK_KEY] = [
            _chunk(path, number, line, recording) for number, line in enumerate(lines)
        ]
    return columns


def _numbers(path: Path, lines: list[dict[str, Any]], keys: list[str]) -> np.ndarray:
    values = np.empty((len(lines), len(keys)), np.float32)
    for number, line in enumerate(lines):
        for place, key in enumerate(keys):
            value = line.get(key)
            if not _is_number(value):
                raise DatasetError(expected(f"{path}:{number + 1}", key, value, "a number"))
            values[number, place] = value
    return values


def _chunk(
    path: Path, number: int, line: dict[str, Any], recording: _Recording
) -> np.ndarray | None:
    told = line.get(CHUNK)
    if told is None:
        return None
    shape = (recording.chunk_size, recording.spec.action.size)
    if (
        not isinstance(told, list)
        or len(told) != shape[0] * shape[1]
        or not all(map(_is_number, told))
    ):
        raise DatasetError(
            expected(f"{path}:{number + 1}", CHUNK, told, f"{shape[0] * shape[1]} numbers, or null")
        )
    return np.array(told, np.float32).reshape(shape)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
