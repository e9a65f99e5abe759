"""LeRobot v3.0 of others: many episodes in a data file, many in a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.data.dataset import VideoSlice
from loopyard.data.importers.lerobot.folder import Info, LeRobotEpisode
from loopyard.data.layout import DATA_TEMPLATE, VIDEO_TEMPLATE
from loopyard.data.metadata import ROW_FIELDS
from loopyard.data.parquet_file import read_rows

EPISODES = "meta/episodes"


def episodes_v30(root: Path, info: Info) -> list[LeRobotEpisode]:
    """The episodes of meta/episodes, in order.

    Raises:
        DatasetError: a file is missing or damaged, or its numbers do not agree with info.json.
    """
    where = str(root / EPISODES)
    rows = _rows(root, where)
    for row in rows:
        for name in ROW_FIELDS:
            if not isinstance(row.get(name), int) or row[name] < 0:
                raise DatasetError(expected(where, name, row.get(name), "a whole number"))
    rows.sort(key=lambda row: row["episode_index"])
    if len(rows) != info.total_episodes:
        raise DatasetError(expected(where, "episodes", len(rows), info.total_episodes))
    start, begins, found = 0, {}, []
    for index, row in enumerate(rows):
        facts = (row["episode_index"], row["dataset_from_index"], row["dataset_to_index"])
        wanted = (index, start, start + row["length"])
        if facts != wanted or row["length"] < 1:
            raise DatasetError(expected(where, f"episode {index} (index, from, to)", facts, wanted))
        data = root / DATA_TEMPLATE.format(
            chunk_index=row["data/chunk_index"], file_index=row["data/file_index"]
        )
        first_row = start - begins.setdefault(data, start)
        found.append(_episode(root, info, where, row, data, first_row))
        start += row["length"]
    if start != info.total_frames:
        raise DatasetError(expected(where, "sum of lengths", start, info.total_frames))
    return found


def _rows(root: Path, where: str) -> list[dict[str, Any]]:
    files = sorted((root / EPISODES).glob("chunk-*/file-*.parquet"))
    rows = [row for path in files for row in read_rows(path, without="stats/")]
    if not rows:
        raise DatasetError(expected(where, "episodes", "none", "chunk-000/file-000.parquet"))
    return rows


def _episode(
    root: Path, info: Info, where: str, row: dict[str, Any], data: Path, first_row: int
) -> LeRobotEpisode:
    videos = {}
    for key in info.videos:
        parts = ("chunk_index", "file_index", "from_timestamp")
        place = [row.get(f"videos/{key}/{part}") for part in parts]
        chunk, file, start_s = place
        if (
            not isinstance(chunk, int)
            or not isinstance(file, int)
            or not isinstance(start_s, int | float)
            or min(chunk, file) < 0
            or not 0 <= start_s < 1e9
        ):
            raise DatasetError(expected(where, f"videos/{key}", place, f"numbers: {parts}"))
        relative = VIDEO_TEMPLATE.format(video_key=key, chunk_index=chunk, file_index=file)
        videos[key] = VideoSlice(root / relative, round(start_s * info.fps))
    tasks = row.get("tasks")
    return LeRobotEpisode(
        index=row["episode_index"],
        length=row["length"],
        tasks=[str(task) for task in tasks] if isinstance(tasks, list) else [],
        data=data,
        first_row=first_row,
        videos=videos,
    )
