"""A dataset into the raw form."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import ACTION_KEY, STATE_KEY, CameraSpec
from loopyard.data.columns import CHUNK_KEY, CHUNK_VALID_KEY, EXECUTED_KEY, PHASE_KEY
from loopyard.data.dataset import Dataset, DatasetEpisode
from loopyard.data.raw_form import (
    CHUNK,
    EXPORT_FILE,
    FRAME,
    LINES_FILE,
    METADATA_FILE,
    PHASE,
    RAW_SCHEMA,
    TIME,
    episode_folder,
    executed_keys,
    state_keys,
)
from loopyard.data.video import VideoSettings, VideoWriter, video_facts
from loopyard.store.atomic import write_json
from loopyard.store.space import naming_full_disk


def export_raw(
    dataset: Dataset,
    out: Path,
    on_episode: Callable[[int], None] | None = None,
    episodes: Sequence[int] | None = None,
) -> Path:
    """Write every episode as a folder under ``out``; run again to go on where it stopped.

    episodes: these and no others.
    Numbers are written so that they read back to the same float32. A video that holds one episode
    is copied byte for byte; of one that holds several the part is encoded anew.

    Raises:
        DatasetError: ``out`` holds something else, or the dataset is damaged.
    """
    out = Path(out)
    _claim(dataset, out)
    for index in range(dataset.num_episodes) if episodes is None else episodes:
        entry = dataset.episodes[index]
        final = out / episode_folder(entry.index)
        if not final.exists():
            staging = out / f".{final.name}.staging"
            shutil.rmtree(staging, ignore_errors=True)
            with naming_full_disk(final):
                staging.mkdir()
                _write_episode(dataset, entry, staging)
                os.rename(staging, final)
        if on_episode is not None:
            on_episode(entry.index)
    return out


def _claim(dataset: Dataset, out: Path) -> None:
    """Mark ``out`` as this dataset's export, unless it is something else already."""
    mark = out / EXPORT_FILE
    if mark.is_file():
        try:
            found = json.loads(mark.read_text())["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(expected(str(mark), "content", repr(error), "a digest")) from error
        if found != dataset.digest:
            raise DatasetError(
                expected(
                    str(mark),
                    "digest",
                    found,
                    f"{dataset.digest!r}: another dataset was exported here",
                )
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(expected(str(out), "folder", "something else", "an empty folder"))
    else:
        write_json(mark, {"schema": RAW_SCHEMA, "digest": dataset.digest})


def _write_episode(dataset: Dataset, entry: DatasetEpisode, folder: Path) -> None:
    for camera in dataset.spec.cameras:
        _write_video(dataset, entry, camera, folder / f"{camera.name}.mp4")
    lines = (json.dumps(line) for line in _lines(dataset, entry))
    (folder / LINES_FILE).write_text("\n".join(lines) + "\n")
    spec = dataset.spec
    metadata: dict[str, Any] = {
        "schema": RAW_SCHEMA,
        "scenario": entry.scenario,
        "result": entry.outcome.to_dict() if entry.outcome else None,
        "success_criteria": {"task": entry.task, "max_steps": spec.max_steps},
        "seed": entry.seed,
        "source": entry.source,
        "slot": entry.slot,
        "meta": entry.meta,
        "fps": spec.fps,
        "frames": entry.length,
        "chunk_size": dataset.chunk_size,
        "world": spec.to_dict(),
        "video": (dataset.own or {}).get("video"),
    }
    (folder / METADATA_FILE).write_text(json.dumps(metadata, indent=2) + "\n")


def _write_video(dataset: Dataset, entry: DatasetEpisode, camera: CameraSpec, path: Path) -> None:
    part = entry.videos[camera.key]
    if part.first_frame == 0 and video_facts(part.path).frames == entry.length:
        shutil.copyfile(part.path, path)
        return
    writer = VideoWriter(path, camera.width, camera.height, dataset.fps, VideoSettings())
    for frame in dataset.frames(camera.key, entry.index):
        writer.add(frame)
    writer.close()


def _lines(dataset: Dataset, entry: DatasetEpisode) -> list[dict[str, Any]]:
    span = slice(entry.from_index, entry.to_index)
    spec, names = dataset.spec, dataset.column_names
    keys = [*spec.action.names, *state_keys(spec)]
    parts = [dataset.column(ACTION_KEY)[span], dataset.column(STATE_KEY)[span]]
    if EXECUTED_KEY in names:
        keys += executed_keys(spec)
        parts.append(dataset.column(EXECUTED_KEY)[span])
    numbers = [part.tolist() for part in parts]
    lines = []
    for frame in range(entry.length):
        values = [value for part in numbers for value in part[frame]]
        lines.append({FRAME: frame, TIME: frame / spec.fps, **dict(zip(keys, values, strict=True))})
    if PHASE_KEY in names:
        for line, phase in zip(lines, dataset.column(PHASE_KEY)[span].tolist(), strict=True):
            line[PHASE] = phase
    if CHUNK_KEY in names:
        chunks, valid = dataset.column(CHUNK_KEY)[span], dataset.column(CHUNK_VALID_KEY)[span]
        for line, chunk, told in zip(lines, chunks, valid, strict=True):
            line[CHUNK] = chunk.ravel().tolist() if told else None
    return lines
