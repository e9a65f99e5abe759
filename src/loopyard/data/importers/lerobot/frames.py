"""The frames of a LeRobot episode: rows of Parquet a few at a time, pictures as they are asked."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import ACTION_KEY
from loopyard.data.columns import (
    CHUNK_KEY,
    CHUNK_VALID_KEY,
    EXECUTED_KEY,
    INDEX_KEYS,
    PHASE_KEY,
    to_numpy,
)
from loopyard.data.dataset import VideoSlice
from loopyard.data.importers.bags.images import decode_picture
from loopyard.data.importers.importer import Frame
from loopyard.data.importers.lerobot.folder import Info, LeRobotEpisode
from loopyard.data.parquet_file import DATA_ERRORS, damaged, open_parquet
from loopyard.data.video import decode_video

ROWS, ROWS_WITH_PICTURES = 1024, 8
"""How many rows are in memory at once."""
TIME_KEY, EPISODE_KEY = "timestamp", "episode_index"
NUMBERS = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
"""Types of features that can be state or action."""
KEPT = (ACTION_KEY, EXECUTED_KEY, PHASE_KEY, CHUNK_KEY, CHUNK_VALID_KEY, TIME_KEY, *INDEX_KEYS)
"""Features besides state and cameras that have a place in a dataset of ours."""


def frames(
    info: Info,
    episode: LeRobotEpisode,
    state: Sequence[str],
    cameras: dict[str, str],
    chunk_size: int,
) -> Generator[Frame, None, None]:
    """The frames of an episode.

    Args:
        state: the features whose numbers, one after another, are the state. cameras: {feature:
            camera name}. chunk_size: K of the expert chunks in the rows, 0 for none.

    Raises:
        DatasetError: a file is damaged, or holds fewer frames than it should.
    """
    videos = {
        cameras[key]: _video(part, episode.length)
        for key, part in episode.videos.items()
        if key in cameras
    }
    pictures = {key: name for key, name in cameras.items() if key not in episode.videos}
    names = _columns(info, state, chunk_size)
    try:
        batches = rows(episode, [*names, *pictures], ROWS_WITH_PICTURES if pictures else ROWS)
        for batch in batches:
            columns = {name: _numbers(info, episode, batch, name) for name in names}
            for row in range(batch.num_rows):
                images = {name: next(video) for name, video in videos.items()}
                for key, name in pictures.items():
                    images[name] = _picture(f"{episode.data}: {key}", batch.column(key)[row])
                yield _frame(columns, row, images, state, chunk_size)
    finally:
        for video in videos.values():
            video.close()


def _columns(info: Info, state: Sequence[str], chunk_size: int) -> list[str]:
    ours = [EXECUTED_KEY, PHASE_KEY, *([CHUNK_KEY, CHUNK_VALID_KEY] if chunk_size else [])]
    told = [name for name in ours if name in info.features]
    return [TIME_KEY, EPISODE_KEY, ACTION_KEY, *dict.fromkeys(state), *told]


def _frame(
    columns: dict[str, np.ndarray],
    row: int,
    images: dict[str, np.ndarray],
    state: Sequence[str],
    chunk_size: int,
) -> Frame:
    def numbers(name: str) -> np.ndarray:
        return np.asarray(columns[name][row], np.float32).reshape(-1)

    chunk = None
    if chunk_size and bool(columns[CHUNK_VALID_KEY][row]):
        chunk = numbers(CHUNK_KEY).reshape(chunk_size, -1)
    return Frame(
        time_s=float(columns[TIME_KEY][row]),
        images=images,
        state=np.concatenate([numbers(key) for key in state]),
        action=numbers(ACTION_KEY),
        executed=numbers(EXECUTED_KEY) if EXECUTED_KEY in columns else None,
        phase=str(columns[PHASE_KEY][row]) if PHASE_KEY in columns else "",
        chunk=chunk,
    )


def rows(episode: LeRobotEpisode, names: list[str], size: int) -> Iterator[pa.RecordBatch]:
    """An episode's rows, at most ``size`` at a time.

    Raises:
        DatasetError: the file is damaged, has no such column, or fewer rows.
    """
    where, left, skip = str(episode.data), episode.length, episode.first_row
    try:
        with open_parquet(episode.data) as file:
            missing = [name for name in names if name not in file.schema_arrow.names]
            if missing:
                raise DatasetError(
                    expected(where, "columns", file.schema_arrow.names, f"{missing} too")
                )
            groups, skip = _row_groups(file, skip, left)
            for batch in file.iter_batches(size, groups, names):
                part = batch.slice(min(skip, batch.num_rows), left)
                skip, left = max(0, skip - batch.num_rows), left - part.num_rows
                if part.num_rows:
                    yield part
                if not left:
                    return
    except DATA_ERRORS as error:
        raise damaged(episode.data, error) from error
    raise DatasetError(
        expected(where, f"rows of episode {episode.index}", episode.length - left, episode.length)
    )


def _row_groups(file: pq.ParquetFile, first: int, count: int) -> tuple[list[int], int]:
    """The row groups that hold rows first to first + count, and how many rows to skip in them."""
    groups, begin, skip = [], 0, 0
    for group in range(file.num_row_groups):
        end = begin + file.metadata.row_group(group).num_rows
        if begin < first + count and end > first:
            if not groups:
                skip = first - begin
            groups.append(group)
        begin = end
    return groups, skip


def _numbers(info: Info, episode: LeRobotEpisode, batch: pa.RecordBatch, name: str) -> np.ndarray:
    where = str(episode.data)
    shape = tuple(info.features[name]["shape"]) if name in info.features else (1,)
    try:
        values = to_numpy(pa.chunked_array([batch.column(name)]), shape)
        if name != PHASE_KEY and values.dtype.kind not in "fiub":
            raise ValueError(f"{values.dtype} values")
    except (ValueError, pa.ArrowException) as error:
        raise DatasetError(
            expected(where, name, str(error), f"numbers of shape {shape}")
        ) from error
    if name == EPISODE_KEY and (values != episode.index).any():
        raise DatasetError(expected(where, name, np.unique(values).tolist(), episode.index))
    return values


def _video(part: VideoSlice, length: int) -> Generator[np.ndarray, None, None]:
    decoded: Any = decode_video(part.path, first=part.first_frame, count=length)
    given = 0
    with closing(decoded):
        for frame in decoded:
            given += 1
            yield frame
    raise DatasetError(
        expected(str(part.path), f"frames from {part.first_frame} on", given, f"{length} at least")
    )


def _picture(where: str, value: Any) -> np.ndarray:
    struct = value.as_py()
    data = struct.get("bytes") if isinstance(struct, dict) else None
    if not data:
        raise DatasetError(
            expected(where, "picture", "no bytes", "the picture's file in the row, as LeRobot's")
        )
    return decode_picture(where, data)
