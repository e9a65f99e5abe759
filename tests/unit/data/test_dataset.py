"""Opening a dataset: what is there comes back, what is wrong is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import DatasetError
from loopyard.data.dataset import Dataset, open_dataset


def edit_info(**changes: object) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        path = root / "meta/info.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


def truncate(name: str) -> Callable[[Path], None]:
    def cut(root: Path) -> None:
        path = root / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return cut


def remove(name: str) -> Callable[[Path], None]:
    def drop(root: Path) -> None:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return drop


VIDEO = "videos/observation.images.ego/chunk-000/file-000.mp4"
DATA = "data/chunk-000/file-000.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"


def test_columns_and_frames_come_back(dataset: Dataset, spec) -> None:
    assert dataset.spec == spec
    assert dataset.num_frames == 56
    assert dataset.column("action").shape == (56, 2)
    assert dataset.column("action").dtype == np.float32
    assert dataset.column("phase")[:2].tolist() == ["scan", "scan"]
    lengths = [12, 13, 15, 16]
    assert np.array_equal(dataset.column("episode_index"), np.repeat(range(4), lengths))
    frames = dataset.decode("ego", 1)
    assert frames.shape == (13, 24, 32, 3)
    assert np.array_equal(frames, dataset.decode("observation.images.ego", 1))
    assert frames[3, 10, 1 + 3 + 1].tolist() == pytest.approx([220, 20, 20], abs=12)


def test_a_dataset_without_our_files_opens_as_anothers(dataset: Dataset) -> None:
    for name in ("loopyard.json", "loopyard_episodes.jsonl"):
        (dataset.root / "meta" / name).unlink()
    other = open_dataset(dataset.root)
    assert other.own is None
    assert other.spec.state.names == ["x", "lift"]
    assert other.spec.cameras == dataset.spec.cameras
    assert other.episodes[0].seed is None
    assert len(other.digest) == 64
    assert np.array_equal(other.column("action"), dataset.column("action"))
    assert np.array_equal(other.decode("ego", 3), dataset.decode("ego", 3))


def test_several_episodes_in_one_video_are_told_apart(dataset: Dataset) -> None:
    part = dataset.episodes[2].videos["observation.images.ego"]
    shifted = part.__class__(part.path, 5)
    entry = dataset.episodes[2].__class__(
        **{
            **dataset.episodes[2].__dict__,
            "length": 7,
            "videos": {"observation.images.ego": shifted},
        }
    )
    whole = dataset.decode("ego", 2)
    dataset.episodes[2] = entry
    assert np.array_equal(dataset.decode("ego", 2), whole[5:12])


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (remove("meta"), r"info\.json"),
        (remove("meta/info.json"), "sealed"),
        (remove("meta/stats.json"), r"stats\.json"),
        (remove("meta/tasks.parquet"), r"tasks\.parquet"),
        (remove("meta/episodes"), "meta/episodes"),
        (remove("meta/loopyard_episodes.jsonl"), r"loopyard_episodes\.jsonl"),
        (remove(DATA), DATA),
        (remove(VIDEO), VIDEO),
        (truncate("meta/info.json"), r"info\.json"),
        (truncate("meta/stats.json"), r"stats\.json"),
        (truncate("meta/loopyard.json"), r"loopyard\.json"),
        (truncate("meta/loopyard_episodes.jsonl"), r"loopyard_episodes\.jsonl"),
        (truncate("meta/tasks.parquet"), r"tasks\.parquet"),
        (truncate(EPISODES), EPISODES),
        (truncate(DATA), DATA),
        (edit_info(codebase_version="v2.1"), "codebase_version: found 'v2.1'"),
        (edit_info(fps=0), "fps"),
        (edit_info(fps=20), r"world\.fps"),
        (edit_info(total_frames=57), "sum of lengths: found 56"),
        (edit_info(total_episodes=3), "episodes"),
        (edit_info(features=[]), "features"),
        (edit_info(features={"index": {"dtype": "int64", "shape": [1]}}), "'action' too"),
        (edit_info(data_path="../{chunk_index}/{file_index}.parquet"), "data_path"),
        (edit_info(video_path="/etc/{video_key}"), "video_path"),
    ],
)
def test_what_is_wrong_is_named(
    dataset: Dataset, damage: Callable[[Path], None], named: str
) -> None:
    damage(dataset.root)
    with pytest.raises(DatasetError, match=named):
        open_dataset(dataset.root)


def test_a_feature_that_is_no_path_part_is_refused(dataset: Dataset) -> None:
    features = dict(dataset.info["features"])
    features["observation.images.../../x"] = features["observation.images.ego"]
    edit_info(features=features)(dataset.root)
    with pytest.raises(DatasetError, match="letters"):
        open_dataset(dataset.root)


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, Path.touch])
def test_no_dataset_at_all(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="nothing"):
        open_dataset(tmp_path / "nothing")


def test_a_truncated_video_is_named_when_it_is_read(dataset: Dataset) -> None:
    truncate(VIDEO)(dataset.root)
    with pytest.raises(DatasetError, match=r"file-000\.mp4"):
        open_dataset(dataset.root).decode("ego", 0)


def test_a_video_with_too_few_frames_is_named(dataset: Dataset) -> None:
    folder = (dataset.root / VIDEO).parent
    shutil.copy(folder / "file-000.mp4", folder / "file-004.mp4")
    with pytest.raises(DatasetError, match="found 12, expected 16"):
        dataset.decode("ego", 3)


def test_unknown_names_are_answered_with_the_known(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="executed_action"):
        dataset.column("actions")
    with pytest.raises(DatasetError, match=r"observation\.images\.ego"):
        dataset.decode("front", 0)
    with pytest.raises(DatasetError, match="0 to 3"):
        dataset.decode("ego", 4)
