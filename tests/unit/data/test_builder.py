"""The seal: LeRobot v3.0's layout, the same bytes from the same shards, safe at any point."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from loopyard.core.errors import DatasetError
from loopyard.core.scenario import Scenario
from loopyard.core.specs import WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.data.consolidate import consolidate
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.data.layout import shard_folder
from loopyard.data.shard import read_shard


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def content(root: Path) -> dict[str, str]:
    """sha256 of every file that is not hidden."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".shards" not in path.parts
    }


def test_layout_and_info_are_lerobots(dataset: Dataset) -> None:
    info = json.loads((dataset.root / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (4, 56, 1)
    assert info["splits"] == {"train": "0:4"}
    assert info["data_path"] == "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    assert info["features"]["observation.state"] == {
        "dtype": "float32",
        "shape": [2],
        "names": ["x", "lift"],
    }
    video = info["features"]["observation.images.ego"]
    assert (video["dtype"], video["shape"]) == ("video", [24, 32, 3])
    assert video["info"]["video.codec"] == "h264"
    assert video["info"]["video.pix_fmt"] == "yuv444p"


def test_every_column_is_declared_with_its_type(dataset: Dataset) -> None:
    table = pq.ParquetFile(dataset.root / "data/chunk-000/file-000.parquet").read()
    declared = {
        name: part for name, part in dataset.info["features"].items() if part["dtype"] != "video"
    }
    assert set(table.column_names) == set(declared)
    for name, part in declared.items():
        kind = table.schema.field(name).type
        if part["shape"] == [1]:
            assert str(kind) == {"float32": "float"}.get(part["dtype"], part["dtype"])
        else:
            assert (str(kind.value_type), kind.list_size) == ("float", part["shape"][0])
    assert table["timestamp"].to_numpy()[:3] == pytest.approx([0.0, 0.1, 0.2])


def test_episode_rows_point_at_their_frames_and_videos(dataset: Dataset) -> None:
    rows = pq.ParquetFile(dataset.root / "meta/episodes/chunk-000/file-000.parquet").read()
    assert rows["length"].to_pylist() == [12, 13, 15, 16]
    assert rows["dataset_from_index"].to_pylist() == [0, 12, 25, 40]
    assert rows["dataset_to_index"].to_pylist() == [12, 25, 40, 56]
    assert rows["tasks"].to_pylist() == [["push the box"]] * 4
    key = "videos/observation.images.ego"
    assert rows[f"{key}/file_index"].to_pylist() == [0, 1, 3, 4]  # by slot; 2 failed
    assert rows[f"{key}/to_timestamp"].to_pylist() == pytest.approx([1.2, 1.3, 1.5, 1.6])
    mean = rows["stats/observation.state/mean"].to_pylist()
    assert mean[1] == pytest.approx(dataset.column("observation.state")[12:25].mean(0).tolist())
    assert np.array(rows["stats/observation.images.ego/mean"].to_pylist()).shape == (4, 3, 1, 1)


def test_tasks_carry_the_index_that_pandas_wants(dataset: Dataset) -> None:
    table = pq.ParquetFile(dataset.root / "meta/tasks.parquet").read()
    assert table.to_pydict() == {"task_index": [0], "task": ["push the box"]}
    assert json.loads(table.schema.metadata[b"pandas"])["index_columns"] == ["task"]


def test_own_facts_are_kept(dataset: Dataset) -> None:
    assert dataset.own is not None
    assert (dataset.own["kept"], dataset.own["failed"]) == (4, 1)
    third = dataset.episodes[2]
    assert (third.slot, third.seed, third.source) == (3, 103, "expert")
    assert third.outcome is not None
    assert third.outcome.counts == {"held": 1}
    assert third.scenario == Scenario(world="toy", preset="small").model_dump(mode="json")
    assert third.meta == {"noise": 0.1}


def test_the_order_of_recording_does_not_matter(tmp_path: Path, spec: WorldSpec, record) -> None:
    found = []
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        builder = DatasetBuilder(tmp_path / str(order[0]), spec)
        for slot in order:
            record(builder, slot, 5 + slot)
        builder.seal()
        found.append(content(builder.root))
    assert found[0] == found[1]
    assert len(found[0]) == 11


def test_sealing_again_takes_in_what_came_later(tmp_path: Path, spec: WorldSpec, record) -> None:
    builder = DatasetBuilder(tmp_path / "a", spec)
    for slot in (1, 3):
        record(builder, slot)
    first = builder.seal()
    assert builder.seal().digest == first.digest
    for slot in (0, 2):
        record(builder, slot)
    second = builder.seal()
    assert second.digest != first.digest
    assert [entry.slot for entry in second.episodes] == [0, 1, 2, 3]
    at_once = DatasetBuilder(tmp_path / "b", spec)
    for slot in range(4):
        record(at_once, slot)
    at_once.seal()
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_a_seal_that_is_killed_anywhere_can_be_done_again(
    tmp_path: Path, spec: WorldSpec, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DatasetBuilder(tmp_path / "whole", spec)
    for slot in range(3):
        record(whole, slot)
    whole.seal()
    real = {name: getattr(os, name) for name in ("fsync", "replace")}
    unsealed, finished = 0, False
    for stop_at in range(0, 60, 3):
        builder = DatasetBuilder(tmp_path / str(stop_at), spec)
        for slot in range(3):
            record(builder, slot)
        calls = 0

        def counted(name: str, *args: object, stop_at: int = stop_at):
            nonlocal calls
            calls += 1
            if calls > stop_at:
                raise Killed
            return real[name](*args)

        for name in real:
            monkeypatch.setattr(os, name, lambda *args, name=name, do=counted: do(name, *args))
        try:
            builder.seal()
            finished = True
        except Killed:
            finished = False
        monkeypatch.undo()
        if not finished and not (builder.root / "meta/info.json").exists():
            unsealed += 1
            with pytest.raises(DatasetError, match="sealed"):
                open_dataset(builder.root)
        builder.seal()
        assert content(builder.root) == content(whole.root)
        if finished:
            break
    assert finished
    assert unsealed > 5


def test_data_files_split_by_size_at_episode_borders(
    tmp_path: Path, spec: WorldSpec, record
) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    for slot in range(4):
        record(builder, slot, 20)
    shards = [read_shard(shard_folder(tmp_path, slot)) for slot in range(4)]
    whole = consolidate(tmp_path, spec, 0, shards, file_mb=0.004)
    files = whole.episodes["data/file_index"].to_pylist()
    assert files == sorted(files)
    assert files[-1] >= 1
    on_disk = sorted((tmp_path / "data/chunk-000").iterdir())
    assert len(on_disk) == files[-1] + 1
    assert sum(pq.read_metadata(path).num_rows for path in on_disk) == 80


def test_settings_that_differ_are_refused(tmp_path: Path, spec: WorldSpec, record) -> None:
    record(DatasetBuilder(tmp_path, spec), 0)
    with pytest.raises(DatasetError, match="world"):
        DatasetBuilder(tmp_path, replace(spec, fps=20)).slots()
    with pytest.raises(DatasetError, match="chunk_size"):
        DatasetBuilder(tmp_path, spec, chunk_size=4).slots()


def test_nothing_kept_is_nothing_to_seal(tmp_path: Path, spec: WorldSpec, record) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    with pytest.raises(DatasetError, match="kept episodes"):
        builder.seal()
    record(builder, 0, kept=False)
    with pytest.raises(DatasetError, match="1 failed"):
        builder.seal()


def test_a_damaged_shard_is_named(tmp_path: Path, spec: WorldSpec, record) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    record(builder, 0)
    path = shard_folder(tmp_path, 0) / "data.parquet"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DatasetError, match=r"000000/data\.parquet"):
        builder.seal()
    (path.parent / "episode.json").write_text("{")
    with pytest.raises(DatasetError, match=r"episode\.json"):
        builder.slots()


def test_what_was_sealed_is_never_dropped(dataset: Dataset, spec: WorldSpec, record) -> None:
    shutil.rmtree(shard_folder(dataset.root, 1))
    builder = DatasetBuilder(dataset.root, spec)
    record(builder, 9)
    with pytest.raises(DatasetError, match="that were sealed"):
        builder.seal()
    assert open_dataset(dataset.root).digest == dataset.digest
