"""LeRobot folders, v2.1 and v3.0 of others and of ours: exact numbers, and named refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.dataset import Dataset
from loopyard.data.importers import Recording, import_recordings, make_importer
from loopyard.executors.local import LocalExecutor


def opened(root: Path, episode: int = 0, **params: Any) -> Recording:
    importer = make_importer("lerobot", root, params)
    return importer.open(importer.episodes()[episode])


def imported(source: Path, out: Path) -> Dataset:
    return import_recordings("lerobot", source, out, LocalExecutor(0)).dataset


def psnr_db(wanted: np.ndarray, found: np.ndarray) -> float:
    error = np.mean((wanted.astype(np.float64) - found) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize("version", ["v21", "v30"])
@pytest.mark.parametrize("video", ["h264", "av1", None])
def test_numbers_are_exact_and_pictures_those_of_the_frame(lerobots, tmp_path, version, video):
    write = lerobots.write_v21 if version == "v21" else lerobots.write_v30
    root = write(tmp_path, 3, video=video)
    for episode in range(3):
        recording = opened(root, episode)
        frames = list(recording.frames)
        state, action = lerobots.numbers(episode)
        assert np.array_equal(np.stack([frame.state for frame in frames]), state)
        assert np.array_equal(np.stack([frame.action for frame in frames]), action)
        shown = [frame.images["front"] for frame in frames]
        wanted = [lerobots.picture(episode, number) for number in range(len(frames))]
        assert np.array_equal(shown, wanted) or video
        assert psnr_db(np.stack(wanted), np.stack(shown)) > 40
        assert recording.facts.task == lerobots.TASKS[episode % 2]
        assert recording.facts.notes == ("left out: next.reward",)
    spec = opened(root).spec
    assert spec.state.names == ["shoulder", "elbow", "gripper"]
    assert spec.action.names == ["left", "right"]
    assert (spec.world, spec.fps) == ("so100", 10)


def test_h264_of_one_episode_is_copied_byte_for_byte(lerobots, tmp_path):
    source = lerobots.write_v21(tmp_path / "in")
    dataset = imported(source, tmp_path / "out")
    for episode, entry in enumerate(dataset.episodes):
        place = {"episode_chunk": 0, "video_key": lerobots.KEY, "episode_index": episode}
        original = source / lerobots.VIDEO_V21.format(**place)
        assert entry.videos[lerobots.KEY].path.read_bytes() == original.read_bytes()
    assert [entry.task for entry in dataset.episodes] == list(lerobots.TASKS)


def test_what_cannot_be_copied_is_encoded_anew(lerobots, tmp_path):
    """Measured against what the source decodes to."""
    source = lerobots.write_v30(tmp_path / "in", video="av1")
    dataset = imported(source, tmp_path / "out")
    for episode in range(2):
        recorded = np.stack([f.images["front"] for f in opened(source, episode).frames])
        assert psnr_db(recorded, dataset.decode("front", episode)) > 38


def test_a_dataset_of_ours_comes_back_whole(dataset: Dataset, tmp_path):
    again = imported(dataset.root, tmp_path / "out")
    assert again.spec == dataset.spec
    for name in dataset.column_names:
        assert np.array_equal(again.column(name), dataset.column(name)), name
    for found, wanted in zip(again.episodes, dataset.episodes, strict=True):
        assert (found.slot, found.seed, found.scenario) == (
            wanted.slot,
            wanted.seed,
            wanted.scenario,
        )
        assert (found.outcome, found.source) == (wanted.outcome, wanted.source)
        for key, part in wanted.videos.items():
            assert found.videos[key].path.read_bytes() == part.path.read_bytes()


def test_the_state_may_be_made_of_several_features(lerobots, tmp_path):
    root = lerobots.write_v21(tmp_path)
    recording = opened(root, state=f"{STATE_KEY} next.reward")
    assert recording.spec.state.names == ["shoulder", "elbow", "gripper", "reward_0"]
    assert next(recording.frames).state.shape == (4,)
    with pytest.raises(ConfigError, match=r"state nothing: found None, expected one of"):
        opened(root, state="nothing")
    with pytest.raises(ConfigError, match=rf"state {lerobots.KEY}: found 'video'"):
        opened(root, state=lerobots.KEY)


def test_depth_is_left_out_and_told(lerobots, tmp_path):
    root = lerobots.write_v21(tmp_path)
    features = json.loads((root / "meta/info.json").read_text())["features"]
    depth = {"dtype": "video", "shape": [48, 64, 1], "names": None}
    lerobots.change_info(root, features=features | {"observation.images.depth": depth})
    recording = opened(root)
    assert [camera.name for camera in recording.spec.cameras] == ["front"]
    assert "observation.images.depth" in recording.facts.notes[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"codebase_version": "v2.0"}, "codebase_version: found 'v2.0', expected 'v2.1' or 'v3.0'"),
        ({"codebase_version": "v1.6"}, "LeRobot's own scripts convert older ones"),
        ({"codebase_version": ["v2.1"]}, "codebase_version"),
        ({"data_path": "../{episode_index}.parquet"}, "data_path: found '../{episode_index}"),
        ({"video_path": "/etc/passwd"}, "video_path: found '/etc/passwd'"),
        ({"fps": 0}, "fps: found 0"),
        ({"fps": 29.97}, "fps: found 29.97, expected a whole number"),
        ({"total_episodes": 3}, "episodes.jsonl: episodes: found 2, expected 3"),
        ({"total_frames": 9}, "sum of lengths: found 27, expected 9"),
        ({"chunks_size": 0}, "chunks_size: found 0"),
        ({"features": {}}, "expected action too"),
        ({"features": {"action": {"dtype": "float32", "shape": [1 << 40]}}}, "features.action"),
        (
            {"features": {"action": {"dtype": "float32", "shape": [30_000, 30_000]}}},
            "features.action.shape: found [30000, 30000], expected at most 1000000 numbers",
        ),
        ({"features": {"../../x": {}, "action": {}}}, "found '../../x'"),
    ],
)
def test_metadata_that_does_not_fit_is_named(lerobots, tmp_path, changes, words):
    root = lerobots.write_v21(tmp_path)
    lerobots.change_info(root, **changes)
    with pytest.raises(DatasetError) as caught:
        make_importer("lerobot", root).episodes()
    assert words in str(caught.value)
    assert "meta/" in str(caught.value)


def test_lines_that_are_damaged_are_named(lerobots, tmp_path):
    root = lerobots.write_v21(tmp_path)
    path = root / "meta/episodes.jsonl"
    first, second = path.read_text().splitlines()
    for line, words in {
        "{": r"episodes.jsonl:2: line",
        first: r"episodes.jsonl:2: episode_index: found 0, expected 1",
        second.replace("15", "-1"): r"episodes.jsonl:2: length: found -1",
        second.replace('["stack the cups"]', "7"): r"episodes.jsonl:2: tasks: found 7",
    }.items():
        path.write_text(f"{first}\n{line}\n")
        with pytest.raises(DatasetError, match=words):
            make_importer("lerobot", root).episodes()


def test_rows_of_another_episode_and_too_few_are_refused(lerobots, tmp_path):
    root = lerobots.write_v21(tmp_path)
    data = [root / lerobots.DATA_V21.format(episode_chunk=0, episode_index=n) for n in (0, 1)]
    pq.write_table(pq.read_table(data[1]).slice(0, 14), data[1])
    with pytest.raises(DatasetError, match=r"rows of episode 1: found 14, expected 15"):
        list(opened(root, 1).frames)
    shutil.copy(data[0], data[1])
    with pytest.raises(DatasetError, match=r"episode_000001.parquet: episode_index: found \[0\]"):
        list(opened(root, 1).frames)
    pq.write_table(pq.read_table(data[0]).drop_columns(["action"]), data[0])
    with pytest.raises(DatasetError, match=r"columns: found .*expected \['action'\] too"):
        list(opened(root, 0).frames)


def test_a_video_with_too_few_frames_is_named(lerobots, tmp_path):
    root = lerobots.write_v21(tmp_path)
    videos = [
        root / lerobots.VIDEO_V21.format(episode_chunk=0, video_key=lerobots.KEY, episode_index=n)
        for n in (0, 1)
    ]
    shutil.copy(videos[0], videos[1])
    with pytest.raises(DatasetError, match=r"episode_000001.mp4: frames from 0 on: found 12"):
        list(opened(root, 1).frames)
    videos[1].unlink()
    with pytest.raises(DatasetError, match=r"episode_000001.mp4: file: found 'nothing'"):
        opened(root, 1)


def test_pictures_that_are_only_paths_are_refused(lerobots, tmp_path):
    root = lerobots.write_v21(tmp_path, video=None)
    path = root / lerobots.DATA_V21.format(episode_chunk=0, episode_index=0)
    table = pq.read_table(path)
    rows = [{"bytes": None, "path": "/etc/passwd"}] * table.num_rows
    kind = table.schema.field(lerobots.KEY).type
    pq.write_table(table.set_column(0, lerobots.KEY, pa.array(rows, kind)), path)
    with pytest.raises(DatasetError, match=r"front: picture: found 'no bytes'"):
        list(opened(root).frames)


def test_v30_rows_that_do_not_fit_are_named(lerobots, tmp_path):
    root = lerobots.write_v30(tmp_path, video="h264")
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    for change, words in {
        "length": r"length: found -7",
        "dataset_to_index": r"dataset_to_index: found -7",
        "data/chunk_index": r"data/chunk_index: found -7",
        f"videos/{lerobots.KEY}/file_index": r"videos/observation.images.front: found",
    }.items():
        pq.write_table(pa.Table.from_pylist([rows[0], rows[1] | {change: -7}]), path)
        with pytest.raises(DatasetError, match=words):
            make_importer("lerobot", root).episodes()
    pq.write_table(pa.Table.from_pylist([rows[0], rows[1] | {"dataset_to_index": 4}]), path)
    with pytest.raises(DatasetError, match=r"episode 1 \(index, from, to\): found \(1, 12, 4\)"):
        make_importer("lerobot", root).episodes()


def test_actions_are_those_of_the_rows_whatever_the_row_groups(lerobots, tmp_path):
    root = lerobots.write_v30(tmp_path, 4, video="h264")
    path = root / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    for size in (1, 7, 1000):
        pq.write_table(table, path, row_group_size=size)
        for episode in (0, 3):
            found = np.stack([frame.action for frame in opened(root, episode).frames])
            assert np.array_equal(found, lerobots.numbers(episode)[1])
    assert ACTION_KEY in table.column_names
