"""Dataset: a sealed LeRobot v3.0 folder, ours or another's, opened for reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from loopyard.core.errors import DatasetError, expected
from loopyard.core.outcome import Outcome
from loopyard.core.specs import IMAGE_PREFIX, STATE_KEY, WorldSpec
from loopyard.data.columns import CHUNK_KEY, to_numpy
from loopyard.data.metadata import Metadata, read_metadata
from loopyard.data.parquet_file import DATA_ERRORS, damaged, open_parquet
from loopyard.data.video import decode_video

CAMERA_KEY = re.compile(r"observation\.images\.[A-Za-z0-9_.\-]+")


@dataclass(frozen=True)
class VideoSlice:
    """Where an episode's frames of one camera lie: a file and the first frame in it."""

    path: Path
    first_frame: int


@dataclass(frozen=True)
class DatasetEpisode:
    """One episode of a dataset; frames from_index to to_index (exclusive) are its own.

    slot, seed, scenario, outcome and source are None where another's dataset does not tell them;
    files, the size and sha256 of what was recorded, is empty there.
    """

    index: int
    length: int
    from_index: int
    to_index: int
    task: str
    videos: dict[str, VideoSlice]
    slot: int | None = None
    seed: int | None = None
    scenario: dict[str, Any] | None = None
    outcome: Outcome | None = None
    source: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


class Dataset:
    """What `open_dataset` gives.

    spec: of its world. info: meta/info.json. stats: meta/stats.json. own: meta/loopyard.json, None
    for another's dataset. digest: 64 hex digits that name the content.
    """

    def __init__(self, metadata: Metadata, episodes: list[DatasetEpisode]) -> None:
        self.root = metadata.root
        self.spec: WorldSpec = metadata.spec
        self.info: dict[str, Any] = metadata.info
        self.own: dict[str, Any] | None = metadata.own
        self.stats: dict[str, Any] = metadata.stats
        self.digest: str = metadata.digest
        self.chunk_size: int = metadata.chunk_size
        self.episodes = episodes
        self.data_files = metadata.data_files
        self._columns: dict[str, np.ndarray] = {}

    @property
    def num_frames(self) -> int:
        return int(self.info["total_frames"])

    @property
    def num_episodes(self) -> int:
        return len(self.episodes)

    @property
    def fps(self) -> int:
        return self.spec.fps

    @property
    def column_names(self) -> list[str]:
        """Every feature that is not a video."""
        return [key for key, part in self.info["features"].items() if part["dtype"] != "video"]

    @cached_property
    def table(self) -> pa.Table:
        """All columns of all frames, in order. Raises DatasetError where a file is damaged."""
        return self._read(None)

    def _read(self, columns: list[str] | None) -> pa.Table:
        parts = []
        for path in self.data_files:
            file = open_parquet(path)
            try:
                parts.append(file.read(columns))
            except DATA_ERRORS as error:
                raise damaged(path, error) from error
        return pa.concat_tables(parts)

    def batches(self, columns: list[str], rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Columns of all frames in order, at most ``rows`` at a time, nothing kept in memory.

        Raises:
            DatasetError: a file is damaged, or has no such column.
        """
        for path in self.data_files:
            file = open_parquet(path)
            try:
                yield from file.iter_batches(rows, columns=columns)
            except DATA_ERRORS as error:
                raise damaged(path, error) from error

    def column(self, name: str) -> np.ndarray:
        """A column of all N frames: (N, size) numbers, or (N,) where the feature is one value.

        ``expert_chunk`` comes as (N, K, A); strings as (N,) objects; the state of a world without
        one as (N, 0). Kept in memory once read.

        Raises:
            DatasetError: there is no such column, or its numbers do not fit its shape.
        """
        if name not in self._columns:
            self._columns[name] = self._load_column(name)
        return self._columns[name]

    def _load_column(self, name: str) -> np.ndarray:
        where = str(self.root / "data")
        if name == STATE_KEY and not self.spec.state.size:
            return np.zeros((self.num_frames, 0), np.float32)
        if name not in self.column_names:
            raise DatasetError(expected(where, name, "no such column", self.column_names))
        shape = tuple(int(side) for side in self.info["features"][name]["shape"])
        column = self._read([name])
        if name not in column.column_names:
            raise DatasetError(expected(where, name, "no such column", "one, as in info.json"))
        try:
            values = to_numpy(column.column(name), shape)
        except ValueError as error:
            raise DatasetError(expected(where, name, str(error), f"shape {shape}")) from error
        if name in ("action", "executed_action", "observation.state") and values.ndim == 1:
            values = values.reshape(-1, 1)
        if name == CHUNK_KEY:
            values = values.reshape(len(values), self.chunk_size, -1)
        return values

    def frames(self, camera: str, episode: int) -> Iterator[np.ndarray]:
        """The (H, W, 3) uint8 frames of an episode, one by one.

        camera: its name, or its observation key.

        Raises:
            DatasetError: no such camera or episode, or a damaged or too short video.
        """
        key = camera if camera.startswith(IMAGE_PREFIX) else IMAGE_PREFIX + camera
        if not 0 <= episode < len(self.episodes):
            raise DatasetError(
                expected(str(self.root), "episode", episode, f"0 to {len(self.episodes) - 1}")
            )
        entry = self.episodes[episode]
        if key not in entry.videos:
            raise DatasetError(expected(str(self.root), "camera", camera, list(entry.videos)))
        part = entry.videos[key]
        given = 0
        for frame in decode_video(part.path, first=part.first_frame, count=entry.length):
            given += 1
            yield frame
        if given != entry.length:
            raise DatasetError(
                expected(str(part.path), f"frames of episode {episode}", given, entry.length)
            )

    def decode(self, camera: str, episode: int) -> np.ndarray:
        """(T, H, W, 3) uint8: all frames of an episode. Raises as `frames`."""
        return np.stack(list(self.frames(camera, episode)))


def open_dataset(path: str | Path) -> Dataset:
    """Open a sealed dataset folder.

    Raises:
        DatasetError: the folder is missing, empty, not sealed, truncated, or not LeRobot v3.0; the
            message names the file and field.
    """
    metadata = read_metadata(Path(path))
    return Dataset(metadata, [_episode(metadata, index) for index in range(len(metadata.rows))])


def _episode(metadata: Metadata, index: int) -> DatasetEpisode:
    row = metadata.rows[index]
    own = metadata.own_rows[index] if metadata.own_rows else None
    videos = {}
    for camera in metadata.spec.cameras:
        part = metadata.video_of(row, camera.key)
        videos[camera.key] = VideoSlice(*part)
    return DatasetEpisode(
        index=index,
        length=row["length"],
        from_index=row["dataset_from_index"],
        to_index=row["dataset_to_index"],
        task=str((row.get("tasks") or [metadata.spec.task])[0]),
        videos=videos,
        slot=own.slot if own else None,
        seed=own.seed if own else None,
        scenario=own.scenario if own else None,
        outcome=own.outcome if own else None,
        source=own.source if own else None,
        meta=own.meta if own else {},
        files=metadata.own_files[index] if own else {},
    )
