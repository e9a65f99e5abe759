"""Datasets made to harm whoever opens them."""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from defects.defect import DATA, ROWS, VIDEO, change_json, change_table

from loopyard.data.video import VideoSettings, VideoWriter

INFO, STATS, TASKS, OWN = (
    f"meta/{name}" for name in ("info.json", "stats.json", "tasks.parquet", "loopyard.json")
)
OWN_ROWS = "meta/loopyard_episodes.jsonl"
Victim = Callable[..., list[dict[str, Any]]]
"""Runs child.py with arguments; a line of each case, and one of its end where it died."""
MARK = "executed"
"""A file that appears beside the dataset where one of its files is executed."""


@dataclass(frozen=True)
class Attack:
    """what: its row in the documentation. told: a word of the answer; it says what was found."""

    what: str
    plant: Callable[[Path], object]
    told: str


def info(**changes: Any) -> Callable[[Path], object]:
    return lambda root: change_json(root, INFO, lambda content: content.update(changes))


def feature(name: str, **part: Any) -> Callable[[Path], object]:
    def plant(root: Path) -> None:
        change_json(root, INFO, lambda content: content["features"].update({name: part}))

    return plant


def text(file: str, content: str | bytes) -> Callable[[Path], object]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda root: (root / file).write_bytes(data)


def row(name: str, value: Any) -> Callable[[Path], object]:
    """The first episode's row says something else."""

    def of(table: pa.Table) -> pa.Table:
        values = [value, *table[name].to_pylist()[1:]]
        return table.set_column(table.column_names.index(name), name, pa.array(values))

    return lambda root: change_table(root, of, ROWS)


def linked_file(root: Path) -> None:
    outside = root.parent / "secret.mp4"
    os.replace(root / VIDEO, outside)
    (root / VIDEO).symlink_to(outside)


def linked_folder(root: Path) -> None:
    outside = root.parent / "elsewhere"
    os.replace(root / "data", outside)
    (root / "data").symlink_to(outside)


def circle(root: Path) -> None:
    (root / "videos" / "again").symlink_to(root / "videos")


def pipe(file: str) -> Callable[[Path], object]:
    def plant(root: Path) -> None:
        (root / file).unlink()
        os.mkfifo(root / file)

    return plant


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {MARK}",)


def pickles(root: Path) -> None:
    """In the place of each kind of file, and beside them."""
    data = pickle.dumps(_Bomb())
    for name in (STATS, TASKS, VIDEO, "meta/extra.pkl", "data/weights.pt"):
        (root / name).write_bytes(data)


def many_rows(root: Path) -> None:
    """Four million rows in few bytes."""
    table = pq.ParquetFile(root / DATA).read().slice(0, 1)
    schema = table.schema
    with pq.ParquetWriter(root / DATA, schema, compression="zstd") as writer:
        some = pa.concat_tables([table] * 100_000).combine_chunks()
        for _ in range(40):
            writer.write_table(some)


def long_text(root: Path) -> None:
    """A task of thirty million letters, in two thousand episodes."""
    one = pa.array(["x" * 30_000_000])
    indices = pa.array(np.zeros(2000, np.int32))
    tasks = pa.DictionaryArray.from_arrays(indices, one)
    pq.write_table(pa.table({"task_index": np.arange(2000), "task": tasks}), root / TASKS)


def wide_lists(root: Path) -> None:
    """Each action a list of a hundred thousand numbers, all the same."""

    def of(table: pa.Table) -> pa.Table:
        count = len(table)
        values = pa.array(np.zeros(100_000 * count, np.float32))
        offsets = pa.array(np.arange(count + 1, dtype=np.int32) * 100_000)
        lists = pa.ListArray.from_arrays(offsets, values)
        return table.set_column(table.column_names.index("action"), "action", lists)

    change_table(root, of)


def lying_footer(root: Path) -> None:
    """The last bytes say that the footer is as long as the file can be."""
    whole = (root / DATA).read_bytes()
    (root / DATA).write_bytes(whole[:-8] + struct.pack("<I", 0x7FFFFFF0) + b"PAR1")


def _in_box(root: Path, box: bytes, offset: int, value: bytes) -> None:
    whole = bytearray((root / VIDEO).read_bytes())
    place = whole.index(box) + 4 + offset
    whole[place : place + len(value)] = value
    (root / VIDEO).write_bytes(bytes(whole))


def many_samples(root: Path) -> None:
    """Four thousand million samples of one byte."""
    _in_box(root, b"stsz", 4, struct.pack(">II", 1, 0xFFFFFFFF))


def huge_picture(root: Path) -> None:
    """The header declares 65535 x 65535; the pictures have 32 x 24."""
    _in_box(root, b"avc1", 24, struct.pack(">HH", 65535, 65535))


def large_pictures(root: Path) -> None:
    """Real pictures of 5120 x 2880, declared as such."""
    writer = VideoWriter(root / VIDEO, 5120, 2880, 10, VideoSettings(pix_fmt="yuv420p"))
    frame = np.zeros((2880, 5120, 3), np.uint8)
    for _ in range(3):
        writer.add(frame)
    writer.close()


def box_in_box(root: Path) -> None:
    """Boxes within boxes, ten thousand deep."""
    data = b""
    for _ in range(10_000):
        data = struct.pack(">I4s", len(data) + 8, b"moov") + data
    (root / VIDEO).write_bytes(data)


PLAYLIST = "#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile /etc/hostname\n"

ATTACKS = [
    Attack(
        "a data path that leads elsewhere", info(data_path="../../etc/{file_index}"), "data_path"
    ),
    Attack("a video path that leads elsewhere", info(video_path="/etc/passwd"), "video_path"),
    Attack("a path with a format field", info(data_path="{chunk_index.__class__}"), "data_path"),
    Attack(
        "a feature named as a path",
        feature("observation.images.../../x", dtype="video", shape=[24, 32, 3]),
        "features",
    ),
    Attack("a chunk number below zero", row("data/chunk_index", -1), "chunk_index"),
    Attack("a file number beyond all files", row("data/file_index", 2**40), "file-"),
    Attack("a video that is a link out", linked_file, "link"),
    Attack("a folder that is a link out", linked_folder, "link"),
    Attack("a folder linked into itself", circle, "linked folder"),
    Attack("a pipe for info.json", pipe(INFO), "pipe"),
    Attack("a pipe for stats.json", pipe(STATS), "pipe"),
    Attack("a pipe for a video", pipe(VIDEO), "pipe"),
    Attack("pickles in the place of files", pickles, "parquet"),
    Attack("a number of frames beyond all memory", info(total_frames=2**62), "total_frames"),
    Attack("a number of episodes beyond all memory", info(total_episodes=2**40), "episodes"),
    Attack("a rate beyond all clocks", info(fps=2**60), "fps"),
    Attack(
        "a vector of a thousand million numbers",
        feature("action", dtype="float32", shape=[10**9]),
        "shape",
    ),
    Attack(
        "a picture of a million by a million",
        feature("observation.images.ego", dtype="video", shape=[10**6, 10**6, 3]),
        "shape",
    ),
    Attack("JSON of a hundred thousand levels", text(INFO, "[" * 100_000), "info.json"),
    Attack("JSON that is not UTF-8", text(INFO, b'{"fps": "\xff\xfe"}'), "info.json"),
    Attack(
        "a number of ten thousand digits", text(INFO, '{"fps": ' + "9" * 10_000 + "}"), "info.json"
    ),
    Attack("JSON of forty megabytes", text(STATS, "[" + "[]," * 14_000_000 + "[]]"), "stats.json"),
    Attack(
        "statistics of another shape",
        text(STATS, json.dumps({"action": {"mean": {"a": [[[]]]}, "std": "x"}})),
        "statistics",
    ),
    Attack(
        "our metadata with lists for numbers",
        lambda root: change_json(root, OWN, lambda own: own.update(chunk_size=[1], world=[])),
        "loopyard.json",
    ),
    Attack(
        "a world with no channels",
        lambda root: change_json(root, OWN, lambda own: own["world"].update(state={"channels": 7})),
        "loopyard.json",
    ),
    Attack(
        "a line of episodes without an end",
        text(OWN_ROWS, '{"episode_index": "' + "x" * 3_000_000),
        "loopyard_episodes",
    ),
    Attack("episodes that are no objects", text(OWN_ROWS, "[]\n" * 12), "loopyard_episodes"),
    Attack("four million equal rows in a small file", many_rows, "rows"),
    Attack("a text of thirty megabytes repeated", long_text, "bytes of a task"),
    Attack("lists longer than declared", wide_lists, "action"),
    Attack("a footer longer than its file", lying_footer, "file-000.parquet"),
    Attack("a video of four thousand million samples", many_samples, "samples"),
    Attack("a video that declares a huge picture", huge_picture, "file-000.mp4"),
    Attack("a video of huge pictures", large_pictures, "file-000.mp4"),
    Attack("a playlist in the place of a video", text(VIDEO, PLAYLIST), "file-000.mp4"),
    Attack("a list of files in the place of a video", text(VIDEO, CONCAT), "file-000.mp4"),
    Attack("boxes within boxes", box_in_box, "file-000.mp4"),
]
