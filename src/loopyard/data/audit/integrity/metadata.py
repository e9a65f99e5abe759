"""Does the metadata agree with itself and with the data? Each part is read by itself, so that a
dataset which does not open is told all that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from loopyard.core.errors import DatasetError
from loopyard.core.specs import IMAGE_PREFIX
from loopyard.data.audit.integrity.episodes import in_words
from loopyard.data.audit.integrity.files import parquet_files, video_files
from loopyard.data.audit.report import Check, Verdict
from loopyard.data.columns import ARROW_TYPES
from loopyard.data.layout import DATA_TEMPLATE, TASKS_FILE, VIDEO_TEMPLATE
from loopyard.data.metadata import read_info
from loopyard.data.parquet_file import open_parquet, read_rows

SPLIT = re.compile(r"(\d+):(\d+)")
SLACK_FRAMES = 0.5
"""LeRobot adds up durations as a file tells them; what is off by less names the same frame."""


@dataclass(frozen=True)
class Parts:
    """What can be read of the metadata. info, rows, tasks: None where they cannot be.

    rows: of meta/episodes, in order of their number. data: {file: (rows, Arrow schema)} of every
    data file that opens.
    """

    root: Path
    info: dict[str, Any] | None
    rows: list[dict[str, Any]] | None
    tasks: list[dict[str, Any]] | None
    data: dict[Path, tuple[int, pa.Schema]]

    @property
    def cameras(self) -> list[str]:
        features = (self.info or {}).get("features", {})
        return [key for key, part in features.items() if part["dtype"] == "video"]


def read_parts(root: Path) -> Parts:
    """Whatever can be read; nothing is raised."""
    info = rows = tasks = None
    try:
        info = read_info(root)
    except DatasetError:
        info = None
    data = {}
    for path in parquet_files(root):
        try:
            if path == root / TASKS_FILE:
                tasks = read_rows(path)
            elif path.is_relative_to(root / "data"):
                file = open_parquet(path)
                data[path] = (file.metadata.num_rows, file.schema_arrow)
            else:
                rows = [*(rows or []), *read_rows(path, without="stats/")]
        except DatasetError:
            continue  # `check_files` names it
    if rows is not None:
        rows.sort(key=lambda row: _number(row.get("episode_index")))
    return Parts(root, info, rows, tasks, data)


def _number(value: object) -> int:
    """A whole number, or -1."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def check_metadata(parts: Parts, *, video: bool = True) -> Iterator[Check]:
    """Everything that needs no row of the data. video: look whether the videos are there too."""
    if parts.info is not None and parts.rows is not None:
        yield _totals(parts, parts.info, parts.rows)
        yield _splits(parts.info, len(parts.rows))
    if parts.rows is not None:
        yield from _rows(parts, parts.rows)
        yield from _files(parts, parts.rows, video=video)
    if parts.info is not None:
        yield _features(parts, parts.info)
        if parts.rows is not None:
            for key in parts.cameras:
                yield _video_times(key, parts.rows, parts.info["fps"])
    if parts.rows is not None and parts.tasks is not None:
        yield _tasks(parts.rows, parts.tasks)


def _check(name: str, problems: list[str], wanted: str, severity: Verdict = "fail") -> Check:
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    found = "; ".join(problems[:3]) + more
    return Check(name, severity if problems else "pass", found or "as it should be", wanted)


def _totals(parts: Parts, info: dict[str, Any], rows: list[dict[str, Any]]) -> Check:
    lengths = sum(max(0, _number(row.get("length"))) for row in rows)
    stored = sum(count for count, _ in parts.data.values())
    problems = []
    if info["total_episodes"] != len(rows):
        problems.append(f"total_episodes {info['total_episodes']}, {len(rows)} in meta/episodes")
    if info["total_frames"] != lengths:
        problems.append(f"total_frames {info['total_frames']}, lengths add up to {lengths}")
    if info["total_frames"] != stored:
        problems.append(f"total_frames {info['total_frames']}, {stored} rows in data")
    tasks = info.get("total_tasks")
    if parts.tasks is not None and tasks is not None and tasks != len(parts.tasks):
        problems.append(f"total_tasks {tasks}, {len(parts.tasks)} in meta/tasks.parquet")
    return _check("metadata: totals", problems, "the same counts in info.json and in the files")


def _splits(info: dict[str, Any], episodes: int) -> Check:
    splits, problems, taken = info.get("splits"), [], []
    for name, text in splits.items() if isinstance(splits, dict) else ():
        match = SPLIT.fullmatch(text) if isinstance(text, str) else None
        if not match:
            problems.append(f"{name} {text!r}")
            continue
        start, end = int(match[1]), int(match[2])
        if not start <= end <= episodes:
            problems.append(f"{name} {text} of {episodes} episodes")
        taken.append((start, end, name))
    for (_, end, one), (start, _, other) in pairwise(sorted(taken)):
        if start < end:
            problems.append(f"{one} and {other} share episode {start}")
    if splits is not None and not isinstance(splits, dict):
        problems.append(f"{splits!r}")
    return _check("metadata: splits", problems, "ranges a:b within the episodes, none twice")


def _rows(parts: Parts, rows: list[dict[str, Any]]) -> Iterator[Check]:
    start, wrong = 0, []
    for number, row in enumerate(rows):
        told = tuple(
            _number(row.get(name))
            for name in ("episode_index", "dataset_from_index", "dataset_to_index", "length")
        )
        if told != (number, start, start + max(1, told[3]), max(1, told[3])):
            wrong.append(number)
        start = told[2]
    yield Check(
        "metadata: episode rows",
        "fail" if wrong else "pass",
        f"{len(wrong)} of {len(rows)} not numbered or not joined to the one before",
        "number, from, to and length that follow each other from 0",
        in_words(tuple(wrong)),
        episodes=tuple(wrong),
    )
    counts: dict[Path, int] = {}
    for row in rows:
        path = _data_path(parts.root, row)
        counts[path] = counts.get(path, 0) + max(0, _number(row.get("length")))
    problems = [
        f"{path}: {parts.data[path][0]} rows, episodes of {count} frames"
        for path, count in counts.items()
        if path in parts.data and parts.data[path][0] != count
    ]
    yield _check("parquet rows", problems, "as many rows as the file's episodes have frames")


def _data_path(root: Path, row: dict[str, Any]) -> Path:
    chunk, file = (_number(row.get(f"data/{part}_index")) for part in ("chunk", "file"))
    return root / DATA_TEMPLATE.format(chunk_index=chunk, file_index=file)


def video_path(root: Path, row: dict[str, Any], key: str) -> Path:
    """The file that an episode's row names; it need not be there."""
    chunk, file = (_number(row.get(f"videos/{key}/{part}_index")) for part in ("chunk", "file"))
    return root / VIDEO_TEMPLATE.format(video_key=key, chunk_index=chunk, file_index=file)


def _files(parts: Parts, rows: list[dict[str, Any]], *, video: bool) -> Iterator[Check]:
    wanted = {"parquet missing": {}, "video missing": {}}
    for number, row in enumerate(rows):
        wanted["parquet missing"].setdefault(_data_path(parts.root, row), []).append(number)
        for key in parts.cameras if video else ():
            if key.startswith(IMAGE_PREFIX):
                path = video_path(parts.root, row, key)
                wanted["video missing"].setdefault(path, []).append(number)
    for name, files in wanted.items():
        gone = {path: own for path, own in files.items() if not path.is_file()}
        episodes = tuple(sorted({number for own in gone.values() for number in own}))
        yield Check(
            name,
            "fail" if gone else "pass",
            "; ".join(map(str, list(gone)[:4])) or "every file is there",
            "the files that meta/episodes names",
            in_words(episodes),
            episodes=episodes,
        )
    data = [path for path in parquet_files(parts.root) if path.is_relative_to(parts.root / "data")]
    unused = [path for path in data if path not in wanted["parquet missing"]]
    if parts.info is not None and video:
        unused += [path for path in video_files(parts.root) if path not in wanted["video missing"]]
    yield _check(
        "unused files", list(map(str, unused)), "no file that no episode belongs to", "warn"
    )


def _features(parts: Parts, info: dict[str, Any]) -> Check:
    problems = []
    declared = {key: part for key, part in info["features"].items() if part["dtype"] != "video"}
    for path, (_, schema) in parts.data.items():
        for name, part in declared.items():
            if name not in schema.names:
                problems.append(f"{path}: no column {name}")
                continue
            kind = schema.field(name).type
            while pa.types.is_nested(kind) and getattr(kind, "value_type", None) is not None:
                kind = kind.value_type
            if kind != ARROW_TYPES[part["dtype"]]:
                problems.append(f"{path}: {name} is {kind}, not {part['dtype']}")
        problems += [
            f"{path}: column {name} is not declared"
            for name in schema.names
            if name not in declared
        ]
    return _check("metadata: features", problems, "the declared columns with their types")


def _video_times(key: str, rows: list[dict[str, Any]], fps: int) -> Check:
    wrong, spans = [], {}
    for number, row in enumerate(rows):
        start, end = (row.get(f"videos/{key}/{part}_timestamp") for part in ("from", "to"))
        length = _number(row.get("length"))
        if not isinstance(start, int | float) or not isinstance(end, int | float):
            wrong.append(number)
            continue
        if abs(end - start - length / fps) > SLACK_FRAMES / fps or start < 0:
            wrong.append(number)
        place = tuple(row.get(f"videos/{key}/{part}_index") for part in ("chunk", "file"))
        spans.setdefault(place, []).append((start, end, number))
    for spans_of_file in spans.values():
        spans_of_file.sort()
        wrong += [b[2] for a, b in pairwise(spans_of_file) if b[0] < a[1] - SLACK_FRAMES / fps]
    episodes = tuple(sorted(set(wrong)))
    return Check(
        f"video timestamps: {key.removeprefix(IMAGE_PREFIX)}",
        "fail" if episodes else "pass",
        f"{len(episodes)} of {len(rows)} episodes with another span than their frames",
        "to - from = length / fps, and no two episodes at one time of a file",
        in_words(episodes),
        episodes=episodes,
    )


def _tasks(rows: list[dict[str, Any]], tasks: list[dict[str, Any]]) -> Check:
    known = {row.get("task", row.get("__index_level_0__")) for row in tasks}
    numbers = [row.get("task_index") for row in tasks]
    problems = [] if numbers == list(range(len(tasks))) else [f"task_index {numbers[:8]}"]
    for number, row in enumerate(rows):
        told = row.get("tasks")
        named = told if isinstance(told, list) else [told]
        problems += [f"episode {number}: {task!r}" for task in named if task not in known]
    return _check("metadata: tasks", problems, "every task in meta/tasks.parquet, numbered from 0")
