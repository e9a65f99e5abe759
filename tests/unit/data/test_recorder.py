"""An episode is whole or absent, whatever happens while it is recorded."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from loopyard.core.errors import DatasetError, NoSpaceError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.data.episode import EpisodeRow
from loopyard.data.layout import failed_folder, shard_folder
from loopyard.data.shard import read_shard
from loopyard.data.video import decode_video

OUTCOME = Outcome(success=True, progress=1.0, steps=1, seconds=0.1, reason="success")


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def observation(state: list[float] | None = None) -> dict[str, np.ndarray]:
    return {
        "observation.images.ego": np.zeros((24, 32, 3), np.uint8),
        "observation.state": np.array(state or [0.0, 0.0], np.float32),
    }


def test_a_row_survives_json() -> None:
    row = EpisodeRow(3, 7, {"world": "toy"}, OUTCOME, "policy", 1, True, {"noise": 0.1})
    assert EpisodeRow.from_dict(row.to_dict()) == row


def test_committed_means_there_with_its_columns(tmp_path: Path, spec: WorldSpec, record) -> None:
    row = record(DatasetBuilder(tmp_path, spec), 4, 9)
    assert (row.slot, row.seed, row.length, row.kept) == (4, 104, 9, True)
    folder = shard_folder(tmp_path, 4)
    assert sorted(path.name for path in folder.iterdir()) == [
        "data.parquet",
        "ego.mp4",
        "episode.json",
    ]
    assert read_shard(folder).row == row
    table = pq.ParquetFile(folder / "data.parquet").read()
    assert table.column_names == ["observation.state", "action", "executed_action", "phase"]
    action = np.stack(table["action"].to_numpy())
    assert np.allclose(np.stack(table["executed_action"].to_numpy()), action * 0.5)
    assert table["phase"].to_pylist() == ["scan"] * 4 + ["dump"] * 5
    assert len(list(decode_video(folder / "ego.mp4"))) == 9
    assert list((tmp_path / ".staging").iterdir()) == []


def test_nothing_is_seen_before_commit_and_nothing_after_discard(
    tmp_path: Path, spec: WorldSpec
) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    recorder = builder.recorder(0)
    recorder.add(observation(), np.zeros(2, np.float32), np.zeros(2, np.float32))
    assert builder.slots() == {}
    recorder.discard()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_failed_drives_lie_apart(tmp_path: Path, spec: WorldSpec, record) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    record(builder, 0)
    record(builder, 1, kept=False)
    assert failed_folder(tmp_path, 1).is_dir()
    assert {slot: row.kept for slot, row in builder.slots().items()} == {0: True, 1: False}


def test_a_job_that_runs_twice_changes_nothing(tmp_path: Path, spec: WorldSpec, record) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    first = record(builder, 0, 9)
    again = builder.recorder(0)
    again.add(observation(), np.zeros(2, np.float32), np.zeros(2, np.float32))
    assert again.commit(5, Scenario(world="toy"), OUTCOME) == first
    assert builder.slots() == {0: first}


def test_two_workers_may_record_the_same_slot(tmp_path: Path, spec: WorldSpec) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    tries = [builder.recorder(0), builder.recorder(0)]  # the first was thought to be lost
    for recorder in tries * 3:
        recorder.add(observation(), np.zeros(2, np.float32), np.zeros(2, np.float32))
    rows = [recorder.commit(5, Scenario(world="toy"), OUTCOME) for recorder in tries]
    assert rows[0] == rows[1]
    assert builder.slots() == {0: rows[0]}
    assert builder.seal().num_frames == 3


def test_expert_chunks_are_there_where_they_were_given(
    tmp_path: Path, spec: WorldSpec, record
) -> None:
    builder = DatasetBuilder(tmp_path, spec, chunk_size=3)
    record(builder, 0, 8, chunk_every=4)
    dataset = builder.seal()
    assert dataset.column("expert_chunk_valid").tolist() == [True, False, False, False] * 2
    assert dataset.column("expert_chunk").shape == (8, 3, 2)
    assert dataset.column("expert_chunk")[4].tolist() == [[4.0, 4.0]] * 3


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ("state", r"observation\.state"),
        ("label", "action"),
        ("executed", "executed_action"),
        ("image", "frame"),
    ],
)
def test_a_wrong_shape_is_named(tmp_path: Path, spec: WorldSpec, what: str, field: str) -> None:
    recorder = DatasetBuilder(tmp_path, spec).recorder(0)
    good, bad = np.zeros(2, np.float32), np.zeros(3, np.float32)
    obs = observation([0.0, 0.0, 0.0] if what == "state" else None)
    if what == "image":
        obs["observation.images.ego"] = np.zeros((24, 31, 3), np.uint8)
    with pytest.raises(DatasetError, match=field):
        recorder.add(obs, bad if what == "label" else good, bad if what == "executed" else good)
    recorder.discard()


def test_an_episode_without_frames_is_refused(tmp_path: Path, spec: WorldSpec) -> None:
    recorder = DatasetBuilder(tmp_path, spec).recorder(0)
    with pytest.raises(DatasetError, match="at least 1"):
        recorder.commit(0, Scenario(world="toy"), OUTCOME)
    recorder.discard()


def test_a_shard_is_whole_or_absent_wherever_the_commit_stops(
    tmp_path: Path, spec: WorldSpec, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_sync, real_rename = os.fsync, os.rename
    seen, finished = [], False
    for stop_at in range(20):
        calls = 0

        def counted(real, *args: object, stop_at: int = stop_at):
            nonlocal calls
            calls += 1
            if calls > stop_at:
                raise Killed
            return real(*args)

        monkeypatch.setattr(os, "fsync", lambda *args, do=counted: do(real_sync, *args))
        monkeypatch.setattr(os, "rename", lambda *args, do=counted: do(real_rename, *args))
        builder = DatasetBuilder(tmp_path / str(stop_at), spec)
        try:
            record(builder, 0)
            finished = True
        except Killed:
            finished = False
        monkeypatch.undo()
        slots = builder.slots()
        seen.append(len(slots))
        record(builder, 0)  # the next run goes on
        assert builder.seal().decode("ego", 0).shape == (12, 24, 32, 3)
        if finished:
            break
    assert finished
    assert seen[0] == 0
    assert seen[-1] == 1
    assert seen == sorted(seen)


CHILD = """
import os, signal, sys, numpy as np
from pathlib import Path
from loopyard.core.specs import *
from loopyard.data.recorder import EpisodeRecorder
vector = VectorSpec((Channel("a"),))
spec = WorldSpec("toy", "", 10, 50, "t", vector, vector, (CameraSpec("ego", 32, 24),))
recorder = EpisodeRecorder(Path(sys.argv[1]), 0, spec)
for tick in range(40):
    recorder.add({"observation.images.ego": np.zeros((24, 32, 3), np.uint8),
                  "observation.state": np.zeros(1, np.float32)}, np.zeros(1), np.zeros(1))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_minus_nine_while_recording_leaves_no_episode(
    tmp_path: Path, spec: WorldSpec, record
) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    builder = DatasetBuilder(tmp_path, spec)
    assert len(list((tmp_path / ".staging").iterdir())) == 1
    assert builder.slots() == {}
    record(builder, 0)
    assert builder.seal().num_frames == 12
    assert not (tmp_path / ".staging").exists()


def test_a_full_disk_is_named_and_resumable(
    tmp_path: Path, spec: WorldSpec, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    builder = DatasetBuilder(tmp_path, spec)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NoSpaceError, match=r"000000"):
            record(builder, 0)
    assert builder.slots() == {}
    assert record(builder, 0).length == 12
