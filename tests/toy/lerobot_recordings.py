"""Small LeRobot folders as others write them: v2.1 and v3.0, pictures in videos or in rows."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image as Picture

FPS, WIDTH, HEIGHT = 10, 64, 48
KEY = "observation.images.front"
TASKS = ("fold the towel", "stack the cups")
DATA_V21 = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO_V21 = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
DATA_V30 = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_V30 = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
ENCODERS = {"h264": "libx264", "av1": "libsvtav1"}


def length_of(episode: int) -> int:
    return 12 + 3 * episode


def picture(episode: int, frame: int) -> np.ndarray:
    """(48, 64, 3) uint8: smooth, so that any encoder keeps it well; the square moves."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 0] = np.linspace(30, 180, WIDTH, dtype=np.uint8)
    image[..., 1] = np.linspace(60, 120, HEIGHT, dtype=np.uint8)[:, None]
    image[..., 2] = 40 + 60 * episode
    image[16:32, 2 * frame : 2 * frame + 16] = 220
    return image


def numbers(episode: int) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) states and (T, 2) actions, float32, well outside [-1, 1]."""
    rng = np.random.default_rng(episode)
    length = length_of(episode)
    state = rng.normal(0, 90, (length, 3)).astype(np.float32)
    return state, rng.normal(0, 50, (length, 2)).astype(np.float32)


def write_v21(root: Path, episodes: int = 2, *, video: str | None = "h264") -> Path:
    """LeRobot v2.1; pictures in MP4 of this codec, or in rows where it is None."""
    for episode in range(episodes):
        table = _table(episode, _start(episode), pictures=video is None)
        _write_table(table, root / DATA_V21.format(episode_chunk=0, episode_index=episode))
        if video is not None:
            place = {"episode_chunk": 0, "video_key": KEY, "episode_index": episode}
            _write_video(root / VIDEO_V21.format(**place), video, [episode])
    lengths = [length_of(episode) for episode in range(episodes)]
    rows = [
        {"episode_index": i, "tasks": [TASKS[i % 2]], "length": n} for i, n in enumerate(lengths)
    ]
    _write_lines(root / "meta/episodes.jsonl", rows)
    tasks = [{"task_index": i, "task": task} for i, task in enumerate(TASKS)]
    _write_lines(root / "meta/tasks.jsonl", tasks)
    stats = [{"episode_index": i, "stats": {}} for i in range(episodes)]
    _write_lines(root / "meta/episodes_stats.jsonl", stats)
    info = _info("v2.1", episodes, video)
    info |= {"data_path": DATA_V21, "video_path": VIDEO_V21 if video else None, "total_chunks": 1}
    (root / "meta/info.json").write_text(json.dumps(info))
    return root


def write_v30(root: Path, episodes: int = 2, *, video: str | None = "av1") -> Path:
    """LeRobot v3.0 as its own library writes it: all episodes in one data file and one video."""
    tables = [_table(i, _start(i), pictures=video is None) for i in range(episodes)]
    _write_table(pa.concat_tables(tables), root / DATA_V30.format(chunk_index=0, file_index=0))
    if video is not None:
        path = VIDEO_V30.format(video_key=KEY, chunk_index=0, file_index=0)
        _write_video(root / path, video, list(range(episodes)))
    rows: list[dict[str, Any]] = []
    for i in range(episodes):
        begin, end = _start(i), _start(i) + length_of(i)
        row: dict[str, Any] = {"episode_index": i, "tasks": [TASKS[i % 2]], "length": end - begin}
        row |= {"data/chunk_index": 0, "data/file_index": 0}
        row |= {"dataset_from_index": begin, "dataset_to_index": end}
        if video is not None:
            part = {"chunk_index": 0, "file_index": 0}
            part |= {"from_timestamp": begin / FPS, "to_timestamp": end / FPS}
            row |= {f"videos/{KEY}/{name}": value for name, value in part.items()}
        rows.append(row | {"stats/action/mean": [0.0, 0.0]})
    _write_table(pa.Table.from_pylist(rows), root / "meta/episodes/chunk-000/file-000.parquet")
    tasks = pa.table({"task_index": [0, 1], "task": list(TASKS)})
    _write_table(tasks, root / "meta/tasks.parquet")
    info = _info("v3.0", episodes, video)
    info |= {"data_path": DATA_V30, "video_path": VIDEO_V30 if video else None}
    (root / "meta/info.json").write_text(json.dumps(info))
    (root / "meta/stats.json").write_text("{}")
    return root


def write_v21_pictures(root: Path, episodes: int = 2) -> Path:
    return write_v21(root, episodes, video=None)


def change_info(root: Path, **changes: Any) -> None:
    """Change meta/info.json."""
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _start(episode: int) -> int:
    return sum(map(length_of, range(episode)))


def _info(version: str, episodes: int, video: str | None) -> dict[str, Any]:
    image = {"shape": [HEIGHT, WIDTH, 3], "names": ["height", "width", "channels"]}
    if video is not None:
        image["info"] = {"video.codec": video, "video.is_depth_map": False, "video.fps": FPS}
    joints = ["shoulder", "elbow", "gripper"]
    plain = {"dtype": "int64", "shape": [1], "names": None}
    indices = ("frame_index", "episode_index", "index", "task_index")
    return {
        "codebase_version": version,
        "robot_type": "so100",
        "fps": FPS,
        "total_episodes": episodes,
        "total_frames": _start(episodes),
        "total_tasks": 2,
        "chunks_size": 1000,
        "splits": {"train": f"0:{episodes}"},
        "features": {
            KEY: {"dtype": "video" if video else "image", **image},
            "observation.state": {"dtype": "float32", "shape": [3], "names": {"motors": joints}},
            "action": {"dtype": "float32", "shape": [2], "names": ["left", "right"]},
            "next.reward": {"dtype": "float32", "shape": [1], "names": None},
            "timestamp": {"dtype": "float32", "shape": [1], "names": None},
            **{name: plain for name in indices},
        },
    }


def _table(episode: int, start: int, *, pictures: bool) -> pa.Table:
    state, action = numbers(episode)
    length = len(state)
    columns: dict[str, Any] = {}
    if pictures:
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        images = [{"bytes": _png(picture(episode, i)), "path": f"{i}.png"} for i in range(length)]
        columns[KEY] = pa.array(images, kind)
    frames = np.arange(length)
    columns |= {
        "observation.state": pa.FixedSizeListArray.from_arrays(pa.array(state.ravel()), 3),
        "action": pa.array(list(action), pa.list_(pa.float32())),
        "next.reward": pa.array(np.zeros(length, np.float32)),
        "timestamp": pa.array((frames / FPS).astype(np.float32)),
        "frame_index": pa.array(frames),
        "episode_index": pa.array(np.full(length, episode)),
        "index": pa.array(frames + start),
        "task_index": pa.array(np.full(length, episode % 2)),
    }
    return pa.table(columns)


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Picture.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _write_table(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=9)


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _write_video(path: Path, codec: str, episodes: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(ENCODERS[codec], rate=Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = 2
        stream.options = (
            {"preset": "12", "crf": "20", "svtav1-params": "lp=1"}
            if codec == "av1"
            else {"crf": "16"}
        )
        number = 0
        for episode in episodes:
            for frame in range(length_of(episode)):
                shown = av.VideoFrame.from_ndarray(picture(episode, frame), format="rgb24")
                shown.pts, number = number, number + 1
                container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
