"""Defects of integrity."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from defects.defect import (
    DATA,
    ROWS,
    VIDEO,
    Defect,
    change_column,
    change_frames,
    change_json,
    change_table,
    truncate,
)
from loopyard.data.video import VideoSettings, VideoWriter, decode_video

INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
SECOND = "data/chunk-000/file-001.parquet"
SHARED = "videos/observation.images.side/chunk-000/file-001.mp4"
Plant = Callable[[Path], object]


def put(column: str, place: Any, value: object) -> Plant:
    return lambda root: change_column(root, column, lambda v: v.__setitem__(place, value))


def told(file: str, change: Callable[[dict[str, Any]], None]) -> Plant:
    return lambda root: change_json(root, file, change)


def cut(file: str) -> Plant:
    return lambda root: truncate(root, file)


def gone(file: str) -> Plant:
    return lambda root: (root / file).unlink()


def seen(change: Callable[[list[np.ndarray]], list[np.ndarray]]) -> Plant:
    return lambda root: change_frames(root, change)


def row(name: str, number: int, value: object) -> Plant:
    def change(values: list[Any]) -> list[Any]:
        values[number] = value
        return values

    return lambda root: rows_changed(root, name, change)


def rows_changed(root: Path, name: str, change: Callable[[list[Any]], list[Any]]) -> None:
    def of(table: pa.Table) -> pa.Table:
        place, kind = table.column_names.index(name), table.schema.field(name)
        return table.set_column(place, kind, pa.array(change(table[name].to_pylist()), kind.type))

    change_table(root, of, ROWS)


def copy_episode(root: Path) -> None:
    """Episode 5 (of 24 frames) becomes episode 0 (of 24 frames) again."""
    for name in ("action", "observation.state"):
        change_column(root, name, lambda v: v.__setitem__(slice(130, 154), v[:24].copy()))


def copy_video(root: Path) -> None:
    shutil.copy(root / VIDEO, root / VIDEO.replace("file-000", "file-005"))


def shorten(root: Path) -> None:
    """Episode 0 keeps 8 frames, everywhere; every other number follows."""
    first = {"action", "observation.state"}
    table = pq.ParquetFile(root / DATA).read()
    assert first <= set(table.column_names)
    change_table(root, lambda t: t.slice(16))
    change_column(root, "index", lambda v: v.__isub__(16))
    frames = np.arange(8)
    change_column(root, "frame_index", lambda v: v.__setitem__(slice(0, 8), frames))
    change_column(root, "timestamp", lambda v: v.__setitem__(slice(0, 8), frames / 10))
    rows_changed(root, "length", lambda v: [8, *v[1:]])
    rows_changed(root, "dataset_from_index", lambda v: [0, *(n - 16 for n in v[1:])])
    rows_changed(root, "dataset_to_index", lambda v: [n - 16 for n in v])
    change_json(root, INFO, lambda info: info.update(total_frames=info["total_frames"] - 16))
    path = root / "meta/loopyard_episodes.jsonl"
    path.write_text(path.read_text().replace('"length": 24', '"length": 8', 1))


def hold(first: int, count: int) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    return lambda f: [*f[:first], *[f[first]] * count, *f[first + count :]]


def slow_camera(root: Path) -> None:
    """Every picture stands for three ticks, in all videos."""
    for path in sorted((root / VIDEO).parent.glob("*.mp4")):
        change_frames(
            root,
            lambda frames: [frames[number // 3 * 3] for number in range(len(frames))],
            str(path.relative_to(root)),
        )


def blacken(frames: list[np.ndarray]) -> list[np.ndarray]:
    return [frame * 0 if 3 <= number < 6 else frame for number, frame in enumerate(frames)]


def other_size(root: Path) -> None:
    frames = list(decode_video(root / VIDEO))
    writer = VideoWriter(root / VIDEO, 48, 24, 10, VideoSettings())
    for frame in frames:
        writer.add(np.pad(frame, ((0, 0), (0, 16), (0, 0))))
    writer.close()


def damaged_middle(root: Path) -> None:
    """The index is whole, and the pictures in the middle are not."""
    whole = bytearray((root / VIDEO).read_bytes())
    start = whole.index(b"mdat") + len(whole) // 4
    whole[start : start + 300] = bytes(300)
    (root / VIDEO).write_bytes(bytes(whole))


def wide_actions(table: pa.Table) -> pa.Table:
    values = [[float(v) for v in part] for part in table["action"].to_pylist()]
    array = pa.array(values, pa.list_(pa.float64(), 2))
    return table.set_column(table.column_names.index("action"), "action", array)


def task_flip(root: Path) -> None:
    change_column(root, "task_index", lambda v: v.__setitem__(3, 1))


def leftover(root: Path) -> None:
    folder = root / "images/observation.images.ego/episode-000012"
    folder.mkdir(parents=True)
    (folder / "frame-000000.png").write_bytes(b"\x89PNG")


def link_out(root: Path) -> None:
    outside = root.parent / "outside.mp4"
    shutil.move(root / VIDEO, outside)
    (root / VIDEO).symlink_to(outside)


def unused(root: Path) -> None:
    shutil.copy(root / DATA, root / SECOND)


INTEGRITY: list[Defect] = [
    Defect("NaN in an action", "finite: action", put("action", (5, 0), np.nan)),
    Defect(
        "infinity in a state",
        "finite: observation.state",
        put("observation.state", (9, 1), np.inf),
        base="foreign",
    ),
    Defect("an action beyond its limits", "range: action.right", put("action", (5, 0), 1.5)),
    Defect(
        "a state beyond its limits",
        "range: observation.state.y",
        put("observation.state", (5, 1), -2.0),
        "warn",
    ),
    Defect("a timestamp off the beat", "timestamps", put("timestamp", 7, 0.75)),
    Defect("time that goes back", "timestamps: order", put("timestamp", 7, 0.1)),
    Defect("a frame numbered twice", "index: frame_index", put("frame_index", 7, 6)),
    Defect(
        "a row that belongs to another episode", "index: episode_index", put("episode_index", 30, 4)
    ),
    Defect(
        "row numbers that jump",
        "index: index",
        lambda root: change_column(root, "index", lambda v: v[::-1]),
    ),
    Defect("another task within an episode", "index: task_index", task_flip, base="foreign"),
    Defect("two episodes with the same drive", "duplicate episodes", copy_episode, "warn"),
    Defect("an episode shorter than a chunk", "short episodes", shorten, "warn"),
    Defect("an episode of an unusual length", "lengths", shorten, "warn"),
    Defect(
        "an outcome that counts other steps",
        "outcomes",
        lambda root: (root / "meta/loopyard_episodes.jsonl").write_text(
            (root / "meta/loopyard_episodes.jsonl")
            .read_text()
            .replace('"steps": 24', '"steps": 240', 1)
        ),
        "warn",
    ),
    Defect("an episode whose frames are black", "black frames: ego", seen(blacken)),
    Defect("a camera that froze", "frozen frames: ego", seen(hold(4, 14)), "warn", thorough=True),
    Defect(
        "a camera of a third of the rate",
        "duplicated frames: ego",
        slow_camera,
        "warn",
        thorough=True,
    ),
    Defect("the same video for two episodes", "duplicated videos: ego", copy_video, "warn"),
    Defect("a video with frames missing", "video frames: ego", seen(lambda f: f[:-4])),
    Defect("a video with frames too many", "video frames: ego", seen(lambda f: [*f, *f[:3]])),
    Defect("a video of another size", "video size: ego", other_size),
    Defect(
        "a video of another rate",
        "video rate: ego",
        lambda root: change_frames(root, lambda f: f, fps=30),
    ),
    Defect(
        "a video encoded anew", "video changed: ego", seen(lambda f: [frame + 1 for frame in f])
    ),
    Defect("a video whose pictures are damaged", "decoding: ego", damaged_middle, thorough=True),
    Defect("a video cut off by a kill", "video unfinished", cut(VIDEO)),
    Defect(
        "a video that is something else",
        "video damaged",
        lambda root: (root / SHARED).write_bytes(b"no video" * 99),
        base="foreign",
    ),
    Defect("a missing video", "video missing", gone(SHARED), base="foreign"),
    Defect("a data file without a footer", "parquet unfinished", cut(SECOND), base="foreign"),
    Defect("an episode table without a footer", "parquet unfinished", cut(ROWS), base="foreign"),
    Defect("a missing data file", "parquet missing", gone(SECOND), base="foreign"),
    Defect(
        "a data file with rows missing",
        "parquet rows",
        lambda root: change_table(root, lambda t: t.slice(0, len(t) - 5)),
    ),
    Defect("a data file that no episode names", "unused files", unused, "warn"),
    Defect(
        "a damaged task table",
        "parquet damaged",
        lambda root: (root / TASKS).write_bytes(b"PAR1" + bytes(90) + b"PAR1"),
    ),
    Defect(
        "a column of another type",
        "metadata: features",
        lambda root: change_table(root, wide_actions),
    ),
    Defect(
        "a declared column that is not there",
        "metadata: features",
        lambda root: change_table(root, lambda t: t.drop_columns(["executed_action"])),
    ),
    Defect(
        "a column that nothing declares",
        "metadata: features",
        lambda root: change_table(root, lambda t: t.append_column("secret", t["index"])),
    ),
    Defect(
        "a wrong number of frames",
        "metadata: totals",
        told(INFO, lambda i: i.update(total_frames=999)),
    ),
    Defect(
        "a wrong number of episodes",
        "metadata: totals",
        told(INFO, lambda i: i.update(total_episodes=13)),
        base="foreign",
    ),
    Defect(
        "a wrong number of tasks",
        "metadata: totals",
        told(INFO, lambda i: i.update(total_tasks=7)),
        base="foreign",
    ),
    Defect(
        "a split beyond the episodes",
        "metadata: splits",
        told(INFO, lambda i: i.update(splits={"train": "0:99"})),
    ),
    Defect(
        "two splits that overlap",
        "metadata: splits",
        told(INFO, lambda i: i.update(splits={"train": "0:10", "val": "8:12"})),
        base="foreign",
    ),
    Defect(
        "an episode numbered twice",
        "metadata: episode rows",
        row("episode_index", 3, 2),
        base="foreign",
    ),
    Defect(
        "episodes that do not join",
        "metadata: episode rows",
        row("dataset_to_index", 3, 90),
        base="foreign",
    ),
    Defect(
        "an episode longer than its video span",
        "video timestamps: side",
        row("videos/observation.images.side/to_timestamp", 2, 99.0),
        base="foreign",
    ),
    Defect(
        "an episode whose task nobody told",
        "metadata: tasks",
        row("tasks", 2, ["fly"]),
        base="foreign",
    ),
    Defect(
        "statistics of other data",
        "statistics: action",
        told(STATS, lambda s: s["action"].update(mean=[0.5, 0.5])),
    ),
    Defect(
        "statistics of another count",
        "statistics: observation.state",
        told(STATS, lambda s: s["observation.state"].update(count=[10])),
    ),
    Defect(
        "an episode with the statistics of another",
        "statistics: episode rows",
        row("stats/action/mean", 3, [0.9, 0.9]),
        base="foreign",
    ),
    Defect(
        "missing statistics",
        "statistics: action",
        told(STATS, lambda s: s.pop("action")),
        base="foreign",
    ),
    Defect(
        "camera statistics without channels",
        "statistics: observation.images.ego",
        told(STATS, lambda s: s["observation.images.ego"].update(mean=[0.5])),
    ),
    Defect(
        "info.json of an older version",
        "metadata: info.json",
        told(INFO, lambda i: i.update(codebase_version="v2.1")),
        base="foreign",
    ),
    Defect("statistics that are no JSON", "metadata: stats.json", cut(STATS), base="foreign"),
    Defect("our own metadata cut off", "metadata: loopyard.json", cut("meta/loopyard.json")),
    Defect(
        "pictures that a killed recorder left",
        "recording left over",
        leftover,
        "warn",
        base="foreign",
    ),
    Defect(
        "a pickle among the data",
        "foreign files",
        lambda root: (root / "meta/extra.pkl").write_bytes(b"cos\nsystem\n"),
        "warn",
    ),
    Defect("a link that leads out of the folder", "outside the folder", link_out),
]
