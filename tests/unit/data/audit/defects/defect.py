"""What a planted defect is, and the changes that most of them are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loopyard.data.video import VideoSettings, VideoWriter, decode_video

DATA = "data/chunk-000/file-000.parquet"
ROWS = "meta/episodes/chunk-000/file-000.parquet"
VIDEO = "videos/observation.images.ego/chunk-000/file-000.mp4"


@dataclass(frozen=True)
class Defect:
    """One way in which a dataset goes wrong.

    what: in words, its row in the documentation. check: the name under which the audit is to find
    it, with this verdict. plant: does it to a copy of the dataset named ``base`` in `BASES`.
    thorough: found only where every frame is decoded.
    """

    what: str
    check: str
    plant: Callable[[Path], object]
    verdict: Literal["fail", "warn"] = "fail"
    base: str = "own"
    thorough: bool = False


def change_column(
    root: Path, name: str, change: Callable[[np.ndarray], Any], file: str = DATA
) -> None:
    """Let ``change`` write to a column of a Parquet file, or give another in its place."""
    table = pq.ParquetFile(root / file).read()
    place, kind = table.column_names.index(name), table.schema.field(name)
    values = np.array(table[name].to_pylist())
    changed = change(values)
    rows = (values if changed is None else changed).tolist()
    array = pa.array(rows, type=kind.type, from_pandas=False)
    pq.write_table(table.set_column(place, kind, array), root / file)


def change_table(root: Path, change: Callable[[pa.Table], pa.Table], file: str = DATA) -> None:
    """Replace the table of a Parquet file."""
    pq.write_table(change(pq.ParquetFile(root / file).read()), root / file)


def change_json(root: Path, file: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Let ``change`` write to a JSON object."""
    content = json.loads((root / file).read_text())
    change(content)
    (root / file).write_text(json.dumps(content))


def change_frames(
    root: Path,
    change: Callable[[list[np.ndarray]], list[np.ndarray]],
    file: str = VIDEO,
    fps: int = 10,
) -> None:
    """Encode other frames in the place of a video's own."""
    frames = change(list(decode_video(root / file)))
    height, width, _ = frames[0].shape
    writer = VideoWriter(root / file, width, height, fps, VideoSettings())
    for frame in frames:
        writer.add(frame)
    writer.close()


def truncate(root: Path, file: str, keep: float = 0.5) -> None:
    """Cut a file off, as a killed process or a full disk does."""
    whole = (root / file).read_bytes()
    (root / file).write_bytes(whole[: int(keep * len(whole))])
