"""What is left of a dataset that does not open: the files that are whole, and their episodes.

The rows themselves say where an episode ends; the metadata is used as far as it can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError
from loopyard.core.specs import WorldSpec
from loopyard.data.audit.integrity.files import video_files
from loopyard.data.audit.integrity.metadata import Parts, video_path
from loopyard.data.dataset import Dataset, DatasetEpisode, VideoSlice, open_dataset
from loopyard.data.json_file import read_json
from loopyard.data.layout import OWN_EPISODES_FILE, STATS_FILE, VIDEO_TEMPLATE
from loopyard.data.metadata import Metadata
from loopyard.data.own_facts import read_own, read_own_rows
from loopyard.data.parquet_file import DATA_ERRORS, open_parquet
from loopyard.data.video import video_facts
from loopyard.data.world_facts import derived_spec, world_spec

NO_DIGEST = "0" * 64


def open_what_is_left(parts: Parts) -> Dataset | None:
    """The dataset, or what can be made of its whole files; None where nothing can.

    Episodes are numbered anew, in the order of their rows. One whose video is gone names a file
    that is not there.
    """
    try:
        return open_dataset(parts.root)
    except DatasetError:
        pass
    if parts.info is None:
        return None
    own, spec = _world(parts.root, parts.info)
    told = {row.get("episode_index"): row for row in parts.rows or []}
    declared = {key for key, part in parts.info["features"].items() if part["dtype"] != "video"}
    files = [path for path, (_, schema) in parts.data.items() if declared <= set(schema.names)]
    runs, start = [], 0
    good = []
    for path in files:
        found = list(_runs(path))
        if sum(length for _, length in found) == parts.data[path][0]:
            good.append(path)
            runs += found
    if not runs:
        return None
    facts = _own_facts(parts.root, parts.rows or [], own)
    videos = {camera.key: _by_order(parts.root, camera.key, runs) for camera in spec.cameras}
    episodes = []
    for index, (label, length) in enumerate(runs):
        row = told.get(label, {})
        slices = {
            key: _slice(parts.root, row, key, spec.fps) or by_order[index]
            for key, by_order in videos.items()
        }
        task = str((row.get("tasks") or [spec.task])[0])
        known = facts.get(label, {})
        episodes.append(DatasetEpisode(index, length, start, start + length, task, slices, **known))
        start += length
    info = {**parts.info, "total_frames": start, "total_episodes": len(runs)}
    return Dataset(_metadata(parts, info, own, spec, good), episodes)


def _world(root: Path, info: dict[str, Any]) -> tuple[dict[str, Any] | None, WorldSpec]:
    try:
        own = read_own(root)
        return own, world_spec(root, info, own)
    except DatasetError:
        return None, derived_spec(info)


def _runs(path: Path) -> Iterator[tuple[int, int]]:
    """(episode_index, rows) of each stretch of one episode; nothing where it cannot be read."""
    labels = []
    try:
        for batch in open_parquet(path).iter_batches(65_536, columns=["episode_index"]):
            labels.append(np.asarray(batch.column(0).to_numpy(zero_copy_only=False), np.int64))
    except (*DATA_ERRORS, DatasetError, TypeError):
        return
    if labels:
        whole = np.concatenate(labels)
        ends = np.append(np.flatnonzero(np.diff(whole)) + 1, len(whole))
        starts = np.append(0, ends[:-1])
        yield from ((int(whole[a]), int(b - a)) for a, b in zip(starts, ends, strict=True))


def _slice(root: Path, row: dict[str, Any], key: str, fps: int) -> VideoSlice | None:
    start_s = row.get(f"videos/{key}/from_timestamp")
    if not isinstance(start_s, int | float) or not 0 <= start_s < 1e9:
        return None
    return VideoSlice(video_path(root, row, key), round(start_s * fps))


def _by_order(root: Path, key: str, runs: list[tuple[int, int]]) -> list[VideoSlice]:
    """Where episodes lie if they fill the camera's files one after another, as recorders do."""
    files = []
    for path in video_files(root):
        if path.parts[-3] == key:
            try:
                files.append((path, video_facts(path).frames))
            except DatasetError:
                break  # what comes after it cannot be told apart
    folder = root / VIDEO_TEMPLATE.format(video_key=key, chunk_index=0, file_index=0)
    missing = VideoSlice(folder.with_name("missing.mp4"), 0)
    slices, place, first = [], 0, 0
    for _, length in runs:
        while place < len(files) and first == files[place][1]:
            place, first = place + 1, 0
        if place >= len(files) or first + length > files[place][1]:
            return slices + [missing] * (len(runs) - len(slices))
        slices.append(VideoSlice(files[place][0], first))
        first += length
    return slices


def _own_facts(
    root: Path, rows: list[dict[str, Any]], own: dict[str, Any] | None
) -> dict[int, dict[str, Any]]:
    """What our own metadata tells of each episode, by its number there."""
    if own is None or not (root / OWN_EPISODES_FILE).is_file():
        return {}
    try:
        own_rows, files = read_own_rows(root, rows)
    except DatasetError:
        return {}
    return {
        number: {
            **{name: getattr(row, name) for name in ("slot", "seed", "scenario", "outcome")},
            **{"source": row.source, "meta": row.meta, "files": file},
        }
        for number, (row, file) in enumerate(zip(own_rows, files, strict=True))
    }


def _metadata(
    parts: Parts,
    info: dict[str, Any],
    own: dict[str, Any] | None,
    spec: WorldSpec,
    files: list[Path],
) -> Metadata:
    try:
        stats = read_json(parts.root / STATS_FILE)
    except DatasetError:
        stats = {}
    return Metadata(
        root=parts.root,
        info=info,
        stats=stats if isinstance(stats, dict) else {},
        spec=spec,
        rows=[],
        own=own,
        own_rows=[],
        own_files=[],
        data_files=files,
        digest=own["digest"] if own else NO_DIGEST,
        chunk_size=own["chunk_size"] if own else 0,
    )
