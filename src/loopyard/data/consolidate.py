"""Many shards into few data files, with the index columns, the statistics and the episode table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loopyard.core.specs import WorldSpec
from loopyard.data.columns import (
    recorded_features,
    schema_of,
    to_arrow,
    to_numpy,
)
from loopyard.data.layout import DATA_FILE_MB, FILES_PER_CHUNK, data_file
from loopyard.data.shard import Shard
from loopyard.data.stats import ImageHistogram, Stats, feature_stats
from loopyard.store.atomic import fsync_path

INDEX_TYPES = {
    "timestamp": pa.float32(),
    "frame_index": pa.int64(),
    "episode_index": pa.int64(),
    "index": pa.int64(),
    "task_index": pa.int64(),
}


@dataclass(frozen=True)
class Consolidated:
    """What the metadata needs of the written data.

    stats: {feature: {statistic: array}}. tasks: each once; a frame's task_index counts in them.
    """

    frames: int
    stats: dict[str, Stats]
    episodes: pa.Table
    tasks: list[str]


def consolidate(
    root: Path, spec: WorldSpec, chunk_size: int, kept: list[Shard], file_mb: float = DATA_FILE_MB
) -> Consolidated:
    """Write data/chunk-NNN/file-NNN.parquet, one row group an episode, a new file near file_mb.

    Raises:
        DatasetError: a shard is damaged.
    """
    features = recorded_features(spec, chunk_size)
    schema = schema_of(features)
    for name, kind in INDEX_TYPES.items():
        schema = schema.append(pa.field(name, kind))
    writer = _DataFiles(root, schema, file_mb)
    numeric = [name for name in schema.names if schema.field(name).type != pa.string()]
    gathered: dict[str, list[np.ndarray]] = {name: [] for name in numeric}
    images = {camera.key: ImageHistogram() for camera in spec.cameras}
    rows: list[dict[str, Any]] = []
    tasks = list(dict.fromkeys(shard.row.task(spec) for shard in kept))
    start = 0
    for index, shard in enumerate(kept):
        task = tasks.index(shard.row.task(spec))
        table = _indexed(shard, schema, index, start, task, spec.fps)
        arrays = {name: to_numpy(table.column(name), _shape(schema, name)) for name in numeric}
        place = writer.write(table)
        stats = {name: feature_stats(values) for name, values in arrays.items()}
        for key, histogram in shard.histograms.items():
            stats[key] = histogram.stats()
            images[key].merge(histogram)
        for name, values in arrays.items():
            gathered[name].append(values)
        rows.append(_episode_row(index, shard, spec, start, place, stats))
        start += shard.row.length
    writer.finish()
    whole = {key: histogram.stats() for key, histogram in images.items()}
    whole |= {name: feature_stats(np.concatenate(parts)) for name, parts in gathered.items()}
    return Consolidated(frames=start, stats=whole, episodes=_table_of(rows), tasks=tasks)


def _shape(schema: pa.Schema, name: str) -> tuple[int, ...]:
    kind = schema.field(name).type
    return (kind.list_size,) if isinstance(kind, pa.FixedSizeListType) else ()


def _indexed(
    shard: Shard, schema: pa.Schema, episode: int, start: int, task: int, fps: int
) -> pa.Table:
    table = shard.table()
    length = table.num_rows
    frames = np.arange(length, dtype=np.int64)
    columns = {
        "timestamp": (frames / fps).astype(np.float32),
        "frame_index": frames,
        "episode_index": np.full(length, episode, np.int64),
        "index": frames + start,
        "task_index": np.full(length, task, np.int64),
    }
    arrays = [
        to_arrow(columns[field.name], field.type)
        if field.name in columns
        else table.column(field.name).combine_chunks()
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


class _DataFiles:
    """Parquet files that are complete on disk before they bear their name."""

    def __init__(self, root: Path, schema: pa.Schema, file_mb: float) -> None:
        self._root, self._schema, self._limit = root, schema, file_mb * 1024 * 1024
        self._number = -1
        self._bytes = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> tuple[int, int]:
        """Append an episode; gives its (chunk_index, file_index)."""
        if self._writer is None or self._bytes + table.nbytes > self._limit:
            self._close()
            self._number += 1
            self._bytes = 0
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._staged, self._schema, compression="snappy")
        self._writer.write_table(table)
        self._bytes += table.nbytes
        return divmod(self._number, FILES_PER_CHUNK)

    @property
    def _path(self) -> Path:
        return self._root / data_file(self._number)

    @property
    def _staged(self) -> Path:
        return self._path.with_name(f".{self._path.name}.staging")

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            fsync_path(self._staged)
            os.replace(self._staged, self._path)
            fsync_path(self._path.parent)

    def finish(self) -> None:
        """Close the last file and remove those that an earlier seal wrote beyond it."""
        self._close()
        wanted = {self._root / data_file(number) for number in range(self._number + 1)}
        for path in (self._root / "data").glob("chunk-*/*"):
            if path not in wanted:
                path.unlink()
        fsync_path(self._root / "data")
        fsync_path(self._root)


def _episode_row(
    index: int,
    shard: Shard,
    spec: WorldSpec,
    start: int,
    place: tuple[int, int],
    stats: dict[str, Stats],
) -> dict[str, Any]:
    length = shard.row.length
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": [shard.row.task(spec)],
        "length": length,
        "data/chunk_index": place[0],
        "data/file_index": place[1],
        "dataset_from_index": start,
        "dataset_to_index": start + length,
    }
    for camera in spec.cameras:
        chunk, file = divmod(shard.row.slot, FILES_PER_CHUNK)
        row[f"videos/{camera.key}/chunk_index"] = chunk
        row[f"videos/{camera.key}/file_index"] = file
        row[f"videos/{camera.key}/from_timestamp"] = 0.0
        row[f"videos/{camera.key}/to_timestamp"] = length / spec.fps
    for feature, part in stats.items():
        for name, value in part.items():
            row[f"stats/{feature}/{name}"] = value.tolist()
    row["meta/episodes/chunk_index"] = 0
    row["meta/episodes/file_index"] = 0
    return row


def _table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table({name: [row[name] for row in rows] for name in rows[0]})
