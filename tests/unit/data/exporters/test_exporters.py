"""Out and back: numbers exact, pictures within a stated PSNR, and nothing left lying about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.data.exporters import export_dataset
from loopyard.data.importers import import_recordings
from loopyard.executors.local import LocalExecutor

PSNR_DB = 38.0
"""What encoding once more keeps, as docs/bring-your-own-data.md says."""


def psnr_db(wanted: np.ndarray, found: np.ndarray) -> float:
    error = np.mean((wanted.astype(np.float64) - found) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def test_robomimic_and_back(dataset: Dataset, tmp_path: Path) -> None:
    done: list[int] = []
    path = export_dataset("robomimic", dataset, tmp_path / "out", done.append)
    assert (path, done) == (tmp_path / "out" / "demo.hdf5", [0, 1, 2, 3])
    made = import_recordings("robomimic", path, tmp_path / "back", LocalExecutor(0))
    back = made.dataset
    assert back.spec == dataset.spec
    for name in ("action", "observation.state"):
        assert np.array_equal(back.column(name), dataset.column(name))
    for episode in range(4):
        wanted = dataset.decode("ego", episode)
        assert psnr_db(wanted, back.decode("ego", episode)) > PSNR_DB
        assert back.episodes[episode].task == dataset.episodes[episode].task


def test_a_dataset_without_state_goes_to_robomimic_and_back(tmp_path: Path) -> None:
    world = WorldSpec(
        world="toy",
        preset="blind",
        fps=10,
        max_steps=60,
        task="go",
        state=VectorSpec(()),
        action=VectorSpec((Channel("x"),)),
        cameras=(CameraSpec("ego", 16, 16),),
    )
    builder = DatasetBuilder(tmp_path / "data", world)
    recorder = builder.recorder(0)
    for level in range(30):
        frame = np.full((16, 16, 3), 8 * level, np.uint8)
        seen = {"observation.images.ego": frame, "observation.state": np.zeros(0, np.float32)}
        action = np.array([level / 30], np.float32)
        recorder.add(seen, action, action)
    recorder.commit(0, Scenario(world="toy"), Outcome(True, 1.0, 30, 3.0, "success"))
    dataset = builder.seal()
    path = export_dataset("robomimic", dataset, tmp_path / "out")
    back = import_recordings("robomimic", path, tmp_path / "back", LocalExecutor(0)).dataset
    assert back.spec == dataset.spec
    assert np.array_equal(back.column("action"), dataset.column("action"))


def test_robomimics_file_is_as_it_wants_it(dataset: Dataset, tmp_path: Path) -> None:
    path = export_dataset("robomimic", dataset, tmp_path / "two.hdf5", episodes=[2, 0])
    assert path == tmp_path / "two.hdf5"
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "toy"] == ["two.hdf5"]
    with h5py.File(path) as file:
        data: Any = file["data"]
        assert sorted(data) == ["demo_0", "demo_1"]
        assert data.attrs["total"] == 12 + 15
        arguments = json.loads(data.attrs["env_args"])
        assert (arguments["env_name"], arguments["env_kwargs"]["control_freq"]) == ("toy", 10)
        demo = data["demo_1"]
        assert demo.attrs["num_samples"] == 15
        assert demo["dones"][()].tolist() == [0] * 14 + [1]
        assert demo["rewards"][()].tolist() == [0] * 14 + [1]
        assert np.array_equal(demo["obs/ego"][()], dataset.decode("ego", 2))  # lossless
        assert np.array_equal(demo["actions"][()], dataset.column("action")[25:40])
    with pytest.raises(DatasetError, match=r"two\.hdf5: file"):
        export_dataset("robomimic", dataset, path)


def test_a_robomimic_export_that_fails_leaves_nothing(dataset: Dataset, tmp_path: Path) -> None:
    dataset.episodes[3].videos["observation.images.ego"].path.write_bytes(b"no video")
    with pytest.raises(DatasetError):
        export_dataset("robomimic", dataset, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_clean_lerobot_copy_is_the_same_dataset(dataset: Dataset, tmp_path: Path) -> None:
    out = export_dataset("lerobot", dataset, tmp_path / "out")
    copy = open_dataset(out)
    assert copy.digest == dataset.digest
    for name in dataset.column_names:
        assert np.array_equal(copy.column(name), dataset.column(name)), name
    assert sorted(path.name for path in out.iterdir()) == ["data", "meta", "videos"]
    assert copy.own is not None
    assert export_dataset("lerobot", dataset, out) == out  # again: nothing to do


def test_some_episodes_as_lerobot(dataset: Dataset, tmp_path: Path) -> None:
    copy = open_dataset(export_dataset("lerobot", dataset, tmp_path / "out", episodes=[3, 1]))
    assert [entry.seed for entry in copy.episodes] == [dataset.episodes[i].seed for i in (1, 3)]
    wanted = np.concatenate([dataset.column("action")[12:25], dataset.column("action")[40:]])
    assert np.array_equal(copy.column("action"), wanted)
    assert np.array_equal(copy.decode("ego", 1), dataset.decode("ego", 3))  # the same bytes
    assert copy.column("episode_index").tolist() == [0] * 13 + [1] * 16


def test_tasks_of_their_own_go_out_and_come_back(tmp_path: Path, spec, record) -> None:
    builder = DatasetBuilder(tmp_path / "a", spec)
    for slot in range(3):
        record(builder, slot)
    dataset = builder.seal()
    assert {entry.task for entry in dataset.episodes} == {"push the box"}
    path = export_dataset("robomimic", dataset, tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        file["data/demo_1"].attrs["task"] = "lift it"
    back = import_recordings("robomimic", path, tmp_path / "back", LocalExecutor(0)).dataset
    assert [entry.task for entry in back.episodes] == ["push the box", "lift it", "push the box"]
    assert back.column("task_index").tolist() == [0] * 12 + [1] * 12 + [0] * 12
    assert back.info["total_tasks"] == 2


def test_wrong_use_is_named(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lerobot, raw, robomimic"):
        export_dataset("rlds", dataset, tmp_path / "out")
    with pytest.raises(ConfigError, match="0 to 3"):
        export_dataset("raw", dataset, tmp_path / "out", episodes=[4])
    out = export_dataset("raw", dataset, tmp_path / "raw", episodes=[1])
    assert sorted(path.name for path in out.iterdir()) == ["episode_000001", "export.json"]
