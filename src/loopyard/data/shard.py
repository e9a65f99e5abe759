"""A shard: one durable episode as its recorder left it, before and after the seal."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import WorldSpec
from loopyard.data.episode import EpisodeRow
from loopyard.data.layout import OWN_SCHEMA, SHARD_DATA, SHARD_ROW, failed_folder, shard_folder
from loopyard.data.stats import ImageHistogram
from loopyard.data.video import VideoSettings
from loopyard.store.atomic import fsync_path


@dataclass(frozen=True)
class Shard:
    """What a shard's episode.json says. files: {name: {"bytes", "sha256"}}."""

    folder: Path
    row: EpisodeRow
    spec: WorldSpec
    chunk_size: int
    video: VideoSettings
    files: dict[str, dict[str, Any]]
    histograms: dict[str, ImageHistogram]

    def table(self) -> pa.Table:
        """Its recorded columns. Raises DatasetError where the file is damaged."""
        path = self.folder / SHARD_DATA
        try:
            table = pq.ParquetFile(path).read()
        except (OSError, pa.ArrowException) as error:
            raise DatasetError(
                expected(str(path), "parquet", str(error), "a whole file")
            ) from error
        if table.num_rows != self.row.length:
            raise DatasetError(expected(str(path), "rows", table.num_rows, self.row.length))
        return table


def durable_shard(root: Path, slot: int) -> Path | None:
    """The folder of a slot that is already committed, kept or failed."""
    folders = (shard_folder(root, slot), failed_folder(root, slot))
    return next((folder for folder in folders if folder.exists()), None)


def read_shard(folder: Path) -> Shard:
    """Read a shard's episode.json.

    Raises:
        DatasetError: it is missing or malformed.
    """
    path = folder / SHARD_ROW
    try:
        data = json.loads(path.read_text())
        if data["schema"] != OWN_SCHEMA:
            raise DatasetError(expected(str(path), "schema", data["schema"], OWN_SCHEMA))
        return Shard(
            folder=folder,
            row=EpisodeRow.from_dict(data["row"]),
            spec=WorldSpec.from_dict(data["world"]),
            chunk_size=int(data["chunk_size"]),
            video=VideoSettings(**data["video"]),
            files=data["files"],
            histograms={
                key: ImageHistogram.from_dict(part) for key, part in data["histograms"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            expected(str(path), "content", repr(error), "an episode's facts")
        ) from error


def write_shard(
    folder: Path,
    row: EpisodeRow,
    table: pa.Table,
    *,
    spec: WorldSpec,
    chunk_size: int,
    video: VideoSettings,
    histograms: dict[str, ImageHistogram],
) -> None:
    """Complete a staging folder that already holds the videos, and bring it all to the disk."""
    pq.write_table(
        table, folder / SHARD_DATA, compression="none", use_dictionary=False, write_statistics=False
    )
    names = [SHARD_DATA, *(f"{camera.name}.mp4" for camera in spec.cameras)]
    record = {
        "schema": OWN_SCHEMA,
        "row": row.to_dict(),
        "world": spec.to_dict(),
        "chunk_size": chunk_size,
        "video": video.model_dump(),
        "files": {name: file_facts(folder / name) for name in names},
        "histograms": {key: part.to_dict() for key, part in histograms.items()},
    }
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=_plain)
    (folder / SHARD_ROW).write_text(text)
    _sync_together([*(folder / name for name in [*names, SHARD_ROW]), folder])


def _sync_together(paths: list[Path]) -> None:
    """fsync at once: a journalling filesystem then commits once for all, in a quarter of the time.

    Their order does not matter, because none of them is visible before the rename that follows.
    """
    with ThreadPoolExecutor(len(paths)) as pool:
        list(pool.map(fsync_path, paths))  # a list, so that the first error is raised here


def publish_shard(staging: Path, root: Path, row: EpisodeRow) -> None:
    """Rename a complete staging folder to its durable place."""
    final = (shard_folder if row.kept else failed_folder)(root, row.slot)
    made = not final.parent.exists()
    final.parent.mkdir(parents=True, exist_ok=True)
    os.rename(staging, final)
    fsync_path(final.parent)
    if made:
        fsync_path(root)


def file_facts(path: Path) -> dict[str, Any]:
    """Size and sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON")
