"""Raw and back: the same arrays, the same bytes of video, and the predecessor's own recordings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import DatasetError
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset
from loopyard.data.episode import EpisodeRow
from loopyard.data.exporters.raw import export_raw
from loopyard.data.importers import import_recordings
from loopyard.data.video import VideoSettings, VideoWriter
from loopyard.executors.local import LocalExecutor


def import_raw(folder: Path, out: Path, on_episode=None) -> Dataset:
    return import_recordings("raw", folder, out, LocalExecutor(0), on_episode=on_episode).dataset


def test_round_trip_gives_the_same_dataset(dataset: Dataset, tmp_path: Path) -> None:
    back = import_raw(export_raw(dataset, tmp_path / "raw"), tmp_path / "back")
    assert back.digest == dataset.digest  # rows, numbers and videos, byte for byte
    for name in dataset.column_names:
        assert np.array_equal(back.column(name), dataset.column(name)), name
    assert back.spec == dataset.spec
    assert [entry.outcome for entry in back.episodes] == [e.outcome for e in dataset.episodes]
    assert np.array_equal(back.decode("ego", 2), dataset.decode("ego", 2))


def test_round_trip_with_expert_chunks(tmp_path: Path, spec, record) -> None:
    builder = DatasetBuilder(tmp_path / "a", spec, chunk_size=3)
    record(builder, 0, 8, chunk_every=4)
    dataset = builder.seal()
    back = import_raw(export_raw(dataset, tmp_path / "raw"), tmp_path / "back")
    assert np.array_equal(back.column("expert_chunk"), dataset.column("expert_chunk"))
    assert back.digest == dataset.digest


def test_files_are_the_predecessors(dataset: Dataset, tmp_path: Path) -> None:
    folder = export_raw(dataset, tmp_path / "raw") / "episode_000002"
    assert sorted(path.name for path in folder.iterdir()) == [
        "actions.jsonl",
        "ego.mp4",
        "metadata.json",
    ]
    lines = [json.loads(line) for line in (folder / "actions.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(15))
    assert lines[3]["time"] == pytest.approx(0.3)
    assert np.float32(lines[3]["steering"]) == dataset.column("action")[25 + 3, 0]
    assert np.float32(lines[3]["state_lift"]) == dataset.column("observation.state")[25 + 3, 1]
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["scenario"]["world"] == "toy"
    assert metadata["result"]["success"] is True
    assert "success_criteria" in metadata


def test_export_goes_on_but_not_into_something_else(
    dataset: Dataset, tmp_path: Path, spec, record
) -> None:
    out = export_raw(dataset, tmp_path / "raw")
    shutil.rmtree(out / "episode_000001")
    export_raw(dataset, out)
    assert (out / "episode_000001" / "actions.jsonl").exists()
    builder = DatasetBuilder(tmp_path / "other", spec)
    record(builder, 0)
    with pytest.raises(DatasetError, match="another dataset"):
        export_raw(builder.seal(), out)
    with pytest.raises(DatasetError, match="empty folder"):
        export_raw(dataset, dataset.root)


def test_import_goes_on_after_a_stop(dataset: Dataset, tmp_path: Path) -> None:
    raw = export_raw(dataset, tmp_path / "raw")
    done = 0

    def stop(row: EpisodeRow) -> None:
        nonlocal done
        done += 1
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_raw(raw, tmp_path / "back", stop)
    assert import_raw(raw, tmp_path / "back").digest == dataset.digest
    assert import_raw(raw, tmp_path / "back").digest == dataset.digest
    with pytest.raises(DatasetError, match="a dataset"):
        import_raw(raw, dataset.root)


def recording(folder: Path, frames: int = 10) -> Path:
    """As the predecessor wrote it."""
    folder.mkdir(parents=True)
    writer = VideoWriter(folder / "ego.mp4", 32, 24, 30, VideoSettings(pix_fmt="yuv420p"))
    lines = []
    for frame in range(frames):
        writer.add(np.full((24, 32, 3), 80 + frame, np.uint8))
        lines.append(
            json.dumps(
                {
                    "frame": frame,
                    "time": frame / 30,
                    "steering": 0.1 * frame,
                    "throttle": 1.0,
                    "bucket": 0.0,
                    "lift": -0.5,
                    "loader_x": 3.5 - frame,
                    "loader_z": 1.0,
                    "loader_rotation": 0.2,
                    "legos_remaining": 7,
                    "legos_collected": 0,
                }
            )
        )
    writer.close()
    (folder / "actions.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "metadata.json").write_text(
        json.dumps(
            {
                "scenario": {"name": "clustered"},
                "result": {"success": False},
                "success_criteria": {},
            }
        )
    )
    return folder


def test_the_predecessors_recordings_are_read(tmp_path: Path) -> None:
    for number in range(2):
        recording(tmp_path / "raw" / f"run_{number}")
    dataset = import_raw(tmp_path / "raw", tmp_path / "out")
    assert dataset.spec.action.names == ["steering", "throttle", "bucket", "lift"]
    assert dataset.spec.state.names == [
        "loader_x",
        "loader_z",
        "loader_rotation",
        "legos_remaining",
        "legos_collected",
    ]
    assert dataset.fps == 30
    assert dataset.info["features"]["observation.images.ego"]["info"]["video.pix_fmt"] == "yuv420p"
    assert dataset.column("observation.state")[3].tolist() == pytest.approx([0.5, 1, 0.2, 7, 0])
    outcome = dataset.episodes[1].outcome
    assert outcome is not None
    assert outcome.success is False


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("actions.jsonl", '{"frame": 0}\n{"frame": 1', r"actions\.jsonl:2"),
        ("actions.jsonl", '{"frame": 1}\n', r"actions\.jsonl:1: frame"),
        ("actions.jsonl", "", "lines"),
        ("actions.jsonl", '{"frame": 0, "time": 0}\n', "steering"),
        ("metadata.json", "[]", r"metadata\.json"),
        ("metadata.json", '{"world": 3}', "world"),
        ("metadata.json", '{"seed": "x"}', r"metadata\.json"),
        ("ego.mp4", "no video", r"ego\.mp4"),
    ],
)
def test_a_damaged_recording_is_named(tmp_path: Path, name: str, content: str, named: str) -> None:
    folder = recording(tmp_path / "raw" / "run")
    (folder / name).write_text(content)
    with pytest.raises(DatasetError, match=named):
        import_raw(tmp_path / "raw", tmp_path / "out")


def test_frames_must_be_as_many_as_lines(tmp_path: Path) -> None:
    folder = recording(tmp_path / "raw" / "run")
    lines = (folder / "actions.jsonl").read_text().splitlines()
    (folder / "actions.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(DatasetError, match=r"ego\.mp4: frames"):
        import_raw(tmp_path / "raw", tmp_path / "out")


def test_a_line_without_a_number_is_named(tmp_path: Path) -> None:
    folder = recording(tmp_path / "raw" / "run")
    text = (folder / "actions.jsonl").read_text().replace('"loader_x": 0.5', '"loader_x": "?"')
    (folder / "actions.jsonl").write_text(text)
    with pytest.raises(DatasetError, match=r"actions\.jsonl:4: loader_x"):
        import_raw(tmp_path / "raw", tmp_path / "out")


def test_nothing_to_import(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: source"):
        import_raw(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"actions\.jsonl"):
        import_raw(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()
