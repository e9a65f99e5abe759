"""The meta folder of a LeRobot v3.0 dataset, read without trust."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import (
    ACTION_KEY,
    WorldSpec,
)
from loopyard.data.columns import ARROW_TYPES
from loopyard.data.containment import require_contained
from loopyard.data.episode import EpisodeRow
from loopyard.data.json_file import read_json
from loopyard.data.layout import (
    CODEBASE_VERSION,
    DATA_TEMPLATE,
    INFO_FILE,
    STATS_FILE,
    TASKS_FILE,
    VIDEO_TEMPLATE,
)
from loopyard.data.own_facts import read_own, read_own_rows
from loopyard.data.parquet_file import MAX_VALUES_A_ROW, open_parquet, read_rows
from loopyard.data.video import MAX_PIXELS
from loopyard.data.world_facts import world_spec

SAFE_NAME = re.compile(r"[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*")
ROW_FIELDS = (
    "episode_index",
    "length",
    "data/chunk_index",
    "data/file_index",
    "dataset_from_index",
    "dataset_to_index",
)


@dataclass(frozen=True)
class Metadata:
    """A meta folder that holds together. rows: one a episode, in order, without its statistics."""

    root: Path
    info: dict[str, Any]
    stats: dict[str, Any]
    spec: WorldSpec
    rows: list[dict[str, Any]]
    own: dict[str, Any] | None
    own_rows: list[EpisodeRow]
    own_files: list[dict[str, dict[str, Any]]]
    data_files: list[Path]
    digest: str
    chunk_size: int

    def video_of(self, row: dict[str, Any], key: str) -> tuple[Path, int]:
        """The file of an episode's camera, and the first frame in it."""
        chunk, file, start_s = (
            row[f"videos/{key}/{part}"] for part in ("chunk_index", "file_index", "from_timestamp")
        )
        relative = VIDEO_TEMPLATE.format(
            video_key=key, chunk_index=int(chunk), file_index=int(file)
        )
        return self.root / relative, round(float(start_s) * self.spec.fps)


def read_metadata(root: Path) -> Metadata:
    """Read and check everything but the frames themselves.

    Raises:
        DatasetError: names the file and the field that is missing or does not fit.
    """
    if not root.is_dir():
        raise DatasetError(expected(str(root), "folder", "nothing", "a dataset folder"))
    require_contained(root)
    if not (root / INFO_FILE).is_file():
        raise DatasetError(expected(str(root / INFO_FILE), "file", "nothing", _why_missing(root)))
    info = read_info(root)
    own = read_own(root)
    rows = _read_rows(root, info)
    _check_tasks(root / TASKS_FILE)
    spec = world_spec(root, info, own)
    _check_row_videos(root, rows, spec)
    data_files = _data_files(root, info, rows)
    own_rows, own_files = read_own_rows(root, rows) if own else ([], [])
    metadata = Metadata(
        root=root,
        info=info,
        stats=_read_stats(root),
        spec=spec,
        rows=rows,
        own=own,
        own_rows=own_rows,
        own_files=own_files,
        data_files=data_files,
        digest=own["digest"] if own else _foreign_digest(root, data_files),
        chunk_size=own["chunk_size"] if own else 0,
    )
    for row in rows:
        for camera in spec.cameras:
            path = metadata.video_of(row, camera.key)[0]
            if not path.is_file() or not path.stat().st_size:
                raise DatasetError(expected(str(path), "file", "nothing", "a video"))
    return metadata


def _why_missing(root: Path) -> str:
    if (root / ".shards").is_dir() or (root / ".staging").is_dir():
        return "a sealed dataset (episodes were recorded but not sealed: generate again to go on)"
    if not any(root.iterdir()):
        return f"a LeRobot {CODEBASE_VERSION} dataset (the folder is empty)"
    return f"a LeRobot {CODEBASE_VERSION} dataset"


def read_info(root: Path) -> dict[str, Any]:
    """meta/info.json with the types and templates this project relies on."""
    path = root / INFO_FILE
    info = read_json(path)
    if not isinstance(info, dict):
        raise DatasetError(expected(str(path), "content", type(info).__name__, "an object"))
    exact = {"codebase_version": CODEBASE_VERSION, "data_path": DATA_TEMPLATE}
    for name, wanted in exact.items():
        if info.get(name) != wanted:
            raise DatasetError(expected(str(path), name, info.get(name), repr(wanted)))
    for name in ("fps", "total_episodes", "total_frames"):
        value = info.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**48:
            raise DatasetError(expected(str(path), name, value, "a whole number of at least 1"))
    features = info.get("features")
    if not isinstance(features, dict):
        raise DatasetError(expected(str(path), "features", features, "an object"))
    for name, feature in features.items():
        _check_feature(path, name, feature)
    if ACTION_KEY not in features:
        wanted = f"{ACTION_KEY!r} too"
        raise DatasetError(expected(str(path), "features", sorted(features), wanted))
    has_video = any(feature["dtype"] == "video" for feature in features.values())
    if has_video and info.get("video_path") != VIDEO_TEMPLATE:
        raise DatasetError(
            expected(str(path), "video_path", info.get("video_path"), repr(VIDEO_TEMPLATE))
        )
    return info


def _check_feature(path: Path, name: str, feature: Any) -> None:
    where = f"features.{name}"
    if not SAFE_NAME.fullmatch(name):
        raise DatasetError(expected(str(path), "features", name, "a name of letters, digits, _.-"))
    if not isinstance(feature, dict):
        raise DatasetError(expected(str(path), where, feature, "an object"))
    dtype, shape = feature.get("dtype"), feature.get("shape")
    if dtype != "video" and dtype not in ARROW_TYPES:
        raise DatasetError(
            expected(str(path), f"{where}.dtype", dtype, f"video or one of {sorted(ARROW_TYPES)}")
        )
    if (
        not isinstance(shape, list)
        or not shape
        or not all(isinstance(side, int) and side > 0 for side in shape)
    ):
        raise DatasetError(expected(str(path), f"{where}.shape", shape, "positive whole numbers"))
    most = 3 * MAX_PIXELS if dtype == "video" else MAX_VALUES_A_ROW
    if math.prod(shape) > most:
        raise DatasetError(expected(str(path), f"{where}.shape", shape, f"at most {most} numbers"))
    if dtype == "video" and (len(shape) != 3 or 3 not in (shape[0], shape[2])):
        raise DatasetError(expected(str(path), f"{where}.shape", shape, "height, width, 3"))


def _read_stats(root: Path) -> dict[str, Any]:
    path = root / STATS_FILE
    stats = read_json(path)
    if not isinstance(stats, dict) or not all(isinstance(part, dict) for part in stats.values()):
        raise DatasetError(
            expected(str(path), "content", "something else", "{feature: {statistic: values}}")
        )
    return stats


def _read_rows(root: Path, info: dict[str, Any]) -> list[dict[str, Any]]:
    folder = root / "meta" / "episodes"
    files = sorted(folder.glob("chunk-*/file-*.parquet"))
    if not files:
        raise DatasetError(expected(str(folder), "files", "none", "chunk-000/file-000.parquet"))
    rows: list[dict[str, Any]] = []
    for path in files:
        rows += read_rows(path, without="stats/")
    where = str(files[0])
    for row in rows:
        for name in ROW_FIELDS:
            if not isinstance(row.get(name), int) or row[name] < 0:
                raise DatasetError(expected(where, name, row.get(name), "a whole number"))
    rows.sort(key=lambda row: row["episode_index"])
    _check_rows(where, rows, info)
    return rows


def _check_rows(where: str, rows: list[dict[str, Any]], info: dict[str, Any]) -> None:
    if len(rows) != info["total_episodes"]:
        raise DatasetError(expected(where, "episodes", len(rows), info["total_episodes"]))
    start = 0
    for index, row in enumerate(rows):
        facts = (row["episode_index"], row["dataset_from_index"], row["dataset_to_index"])
        if facts != (index, start, start + row["length"]) or row["length"] < 1:
            raise DatasetError(
                expected(
                    where,
                    f"episode {index} (index, from, to)",
                    facts,
                    (index, start, "from + length"),
                )
            )
        start += row["length"]
    if start != info["total_frames"]:
        raise DatasetError(expected(where, "sum of lengths", start, info["total_frames"]))


def _check_tasks(path: Path) -> None:
    names = list((read_rows(path) or [{}])[0])
    if "task_index" not in names:
        raise DatasetError(expected(str(path), "columns", names, "task_index too"))


def _check_row_videos(root: Path, rows: list[dict[str, Any]], spec: WorldSpec) -> None:
    where = str(root / "meta" / "episodes")
    for row in rows:
        for camera in spec.cameras:
            for part in ("chunk_index", "file_index", "from_timestamp"):
                name = f"videos/{camera.key}/{part}"
                value = row.get(name)
                if not isinstance(value, int | float) or not 0 <= value < 1e9:
                    raise DatasetError(expected(where, name, value, "a number of at least 0"))


def _data_files(root: Path, info: dict[str, Any], rows: list[dict[str, Any]]) -> list[Path]:
    """The data files in order of their episodes; their rows must add up."""
    counts: dict[Path, int] = {}
    for row in rows:
        path = root / DATA_TEMPLATE.format(
            chunk_index=row["data/chunk_index"], file_index=row["data/file_index"]
        )
        counts[path] = counts.get(path, 0) + row["length"]
    wanted = [name for name, part in info["features"].items() if part["dtype"] != "video"]
    for path, count in counts.items():
        file = open_parquet(path)
        metadata, names = file.metadata, file.schema_arrow.names
        if metadata.num_rows != count:
            raise DatasetError(expected(str(path), "rows", metadata.num_rows, count))
        missing = [name for name in wanted if name not in names]
        if missing:
            raise DatasetError(expected(str(path), "columns", names, f"{missing} too"))
    return list(counts)


def _foreign_digest(root: Path, data_files: list[Path]) -> str:
    """Names another's dataset by its metadata and numbers, and the sizes of its videos."""
    total = hashlib.sha256((root / INFO_FILE).read_bytes())
    for path in data_files:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    for path in sorted((root / "videos").rglob("*.mp4")):
        total.update(f"{path.relative_to(root)}:{path.stat().st_size}".encode())
    return total.hexdigest()
