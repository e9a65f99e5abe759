"""LeRobot v2.1: one data file and one video a camera for each episode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.data.dataset import VideoSlice
from loopyard.data.importers.lerobot.folder import (
    DATA_V21,
    VIDEO_V21,
    Info,
    LeRobotEpisode,
    require_file,
)
from loopyard.data.json_file import MAX_JSON_BYTES

EPISODES = "meta/episodes.jsonl"


def episodes_v21(root: Path, info: Info) -> list[LeRobotEpisode]:
    """The episodes of meta/episodes.jsonl, in order.

    Raises:
        DatasetError: the file is missing or damaged, or its numbers do not agree with info.json.
    """
    path = require_file(root / EPISODES)
    lines = _lines(path)
    if len(lines) != info.total_episodes:
        raise DatasetError(expected(str(path), "episodes", len(lines), info.total_episodes))
    found = [
        _episode(root, info, f"{path}:{number + 1}", number, line)
        for number, line in enumerate(lines)
    ]
    total = sum(episode.length for episode in found)
    if total != info.total_frames:
        raise DatasetError(expected(str(path), "sum of lengths", total, info.total_frames))
    return found


def _lines(path: Path) -> list[Any]:
    if path.stat().st_size > MAX_JSON_BYTES:
        raise DatasetError(
            expected(str(path), "size", path.stat().st_size, f"at most {MAX_JSON_BYTES} bytes")
        )
    lines: list[Any] = []
    try:
        for text in path.read_text(encoding="utf-8").splitlines():
            lines.append(json.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        where = f"{path}:{len(lines) + 1}"
        raise DatasetError(expected(where, "line", str(error), "JSON")) from error
    return lines


def _episode(root: Path, info: Info, where: str, number: int, line: Any) -> LeRobotEpisode:
    facts = line if isinstance(line, dict) else {}
    length, tasks = facts.get("length"), facts.get("tasks")
    if facts.get("episode_index") != number:
        raise DatasetError(expected(where, "episode_index", facts.get("episode_index"), number))
    if not isinstance(length, int) or length < 1:
        raise DatasetError(expected(where, "length", length, "a whole number of at least 1"))
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
        raise DatasetError(expected(where, "tasks", tasks, "a list of texts"))
    place = {"episode_chunk": number // info.content["chunks_size"], "episode_index": number}
    return LeRobotEpisode(
        index=number,
        length=length,
        tasks=tasks,
        data=root / DATA_V21.format(**place),
        first_row=0,
        videos={
            key: VideoSlice(root / VIDEO_V21.format(video_key=key, **place), 0)
            for key in info.videos
        },
    )
