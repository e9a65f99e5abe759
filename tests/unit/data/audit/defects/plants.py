"""How defects of integrity are planted: small changes to the files of a dataset."""

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
