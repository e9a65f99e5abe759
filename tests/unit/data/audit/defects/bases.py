"""The clean datasets that defects are planted into: one of our own, one as others write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder, tasks_table
from loopyard.data.columns import dataset_features, schema_of
from loopyard.data.layout import CODEBASE_VERSION, DATA_TEMPLATE, VIDEO_TEMPLATE
from loopyard.data.stats import ImageHistogram, feature_stats, jsonable
from loopyard.data.video import VideoSettings, VideoWriter

EPISODES = 12
TASKS = ("push the box", "pull the box")


def world(fps: int = 10, width: int = 32, height: int = 24, cameras: int = 1) -> WorldSpec:
    """Two states that follow two actions, seen by cameras from above."""
    return WorldSpec(
        world="toy",
        preset="small",
        fps=fps,
        max_steps=60,
        task=TASKS[0],
        state=VectorSpec((Channel("x"), Channel("y"))),
        action=VectorSpec((Channel("right"), Channel("down"))),
        cameras=tuple(CameraSpec(name, width, height) for name in ("ego", "side")[:cameras]),
    )


def drive(seed: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth wander: states (T, 2) and the actions (T, 2) that move them, all in [-1, 1]."""
    rng = np.random.default_rng([7, seed])
    push, state, action = np.zeros(2), rng.uniform(-0.5, 0.5, 2), np.zeros(2)
    states, actions = [], []
    for _ in range(frames):
        push = 0.8 * push + 0.5 * rng.normal(size=2) - 0.2 * state
        action = np.clip(push, -0.95, 0.95)
        states.append(state)
        actions.append(action)
        state = np.clip(state + 0.2 * action, -1, 1)
    return np.array(states, np.float32), np.array(actions, np.float32)


def picture(state: np.ndarray, camera: CameraSpec) -> np.ndarray:
    """A shaded floor and a red square where the state is."""
    rows, columns = np.mgrid[: camera.height, : camera.width]
    frame = np.stack([120 + rows, 90 + columns // 2, np.full_like(rows, 70)], axis=-1)
    frame = frame.astype(np.uint8)
    size = max(3, camera.height // 6)
    top = int((state[1] + 1) / 2 * (camera.height - size))
    left = int((state[0] + 1) / 2 * (camera.width - size))
    frame[top : top + size, left : left + size] = (220, 20, 20)
    return frame


def length_of(slot: int) -> int:
    return 24 + slot % 5


def make_own(
    root: Path, spec: WorldSpec | None = None, episodes: int = EPISODES, chunk_size: int = 0
) -> Path:
    """Sealed by our own builder: a video an episode, every fact told."""
    spec = spec or world()
    builder = DatasetBuilder(root, spec, chunk_size=chunk_size)
    for slot in range(episodes):
        recorder = builder.recorder(slot)
        states, actions = drive(slot, length_of(slot))
        for tick, (state, action) in enumerate(zip(states, actions, strict=True)):
            images = {camera.key: picture(state, camera) for camera in spec.cameras}
            chunk = None
            if chunk_size:
                ahead = np.minimum(np.arange(tick, tick + chunk_size), len(actions) - 1)
                chunk = actions[ahead]
            phase = "near" if tick > 12 else "far"
            recorder.add(images | {"observation.state": state}, action, action, phase, chunk)
        steps = len(states)
        outcome = Outcome(True, 1.0, steps, steps / spec.fps, "success")
        recorder.commit(slot, Scenario(world="toy", preset="small"), outcome)
    return builder.seal().root


def make_foreign(root: Path, spec: WorldSpec | None = None, episodes: int = EPISODES) -> Path:
    """As LeRobot writes: several episodes a file, two tasks, nothing of our own."""
    spec = spec or world(cameras=2)
    settings = VideoSettings(pix_fmt="yuv420p")
    features = dataset_features(spec, 0, settings)
    del features["executed_action"], features["phase"]
    (root / "meta/episodes/chunk-000").mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    whole: dict[str, list[np.ndarray]] = {}
    images = {camera.key: ImageHistogram() for camera in spec.cameras}
    start, half = 0, -(-episodes // 2)
    for file in (0, 1):
        part = range(file * half, min(episodes, (file + 1) * half))
        first_s, tables = start / spec.fps, []
        writers = {}
        for camera in spec.cameras:
            path = root / VIDEO_TEMPLATE.format(
                video_key=camera.key, chunk_index=0, file_index=file
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            writers[camera] = VideoWriter(path, camera.width, camera.height, spec.fps, settings)
        for index in part:
            states, actions = drive(index, length_of(index))
            count = len(states)
            columns = _columns(index, start, index % 2, states, actions, spec.fps)
            stats = {name: feature_stats(values) for name, values in columns.items()}
            for camera, writer in writers.items():
                own = ImageHistogram()
                for state in states:
                    frame = picture(state, camera)
                    writer.add(frame)
                    own.offer(frame)
                images[camera.key].merge(own)
                stats[camera.key] = own.stats()
            for name, values in columns.items():
                whole.setdefault(name, []).append(values)
            tables.append(_table(columns, features))
            place = (file, start, start / spec.fps - first_s)
            rows.append(_row(index, count, place, spec, stats))
            start += count
        for writer in writers.values():
            writer.close()
        path = root / DATA_TEMPLATE.format(chunk_index=0, file_index=file)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.concat_tables(tables), path)
    stats = {name: feature_stats(np.concatenate(parts)) for name, parts in whole.items()}
    stats |= {key: histogram.stats() for key, histogram in images.items()}
    _write_meta(root, spec, features, rows, stats)
    return root


def _columns(
    index: int, start: int, task: int, states: np.ndarray, actions: np.ndarray, fps: int
) -> dict[str, np.ndarray]:
    frames = np.arange(len(states))
    return {
        "observation.state": states,
        "action": actions,
        "timestamp": (frames / fps).astype(np.float32),
        "frame_index": frames,
        "episode_index": np.full(len(frames), index),
        "index": frames + start,
        "task_index": np.full(len(frames), task),
    }


def _table(columns: dict[str, np.ndarray], features: dict[str, Any]) -> pa.Table:
    schema = schema_of(features)
    arrays = [pa.array(columns[field.name].tolist(), type=field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _row(
    index: int,
    count: int,
    place: tuple[int, int, float],
    spec: WorldSpec,
    stats: dict[str, dict[str, np.ndarray]],
) -> dict[str, Any]:
    file, start, from_s = place
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": [TASKS[index % 2]],
        "length": count,
        "data/chunk_index": 0,
        "data/file_index": file,
        "dataset_from_index": start,
        "dataset_to_index": start + count,
    }
    for camera in spec.cameras:
        row[f"videos/{camera.key}/chunk_index"] = 0
        row[f"videos/{camera.key}/file_index"] = file
        row[f"videos/{camera.key}/from_timestamp"] = from_s
        row[f"videos/{camera.key}/to_timestamp"] = from_s + count / spec.fps
    for feature, part in stats.items():
        for name, value in part.items():
            row[f"stats/{feature}/{name}"] = value.tolist()
    return row | {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}


def _write_meta(
    root: Path,
    spec: WorldSpec,
    features: dict[str, Any],
    rows: list[dict[str, Any]],
    stats: dict[str, dict[str, np.ndarray]],
) -> None:
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    pq.write_table(table, root / "meta/episodes/chunk-000/file-000.parquet")
    pq.write_table(tasks_table(list(TASKS)), root / "meta/tasks.parquet")
    (root / "meta/stats.json").write_text(json.dumps(jsonable(stats)))
    info = {
        "codebase_version": CODEBASE_VERSION,
        "robot_type": "arm",
        "total_episodes": len(rows),
        "total_frames": sum(row["length"] for row in rows),
        "total_tasks": 2,
        "chunks_size": 1000,
        "fps": spec.fps,
        "splits": {"train": f"0:{len(rows)}"},
        "data_path": DATA_TEMPLATE,
        "video_path": VIDEO_TEMPLATE,
        "features": features,
    }
    (root / "meta/info.json").write_text(json.dumps(info))


BASES: dict[str, Callable[[Path], Path]] = {"own": make_own, "foreign": make_foreign}
"""By name, each made once a session and copied for each defect."""
