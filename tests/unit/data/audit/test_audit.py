"""The audit can say no, names what is wrong, and never falls over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import WorldSpec
from loopyard.data.audit import AuditReport, Thresholds, audit
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset

SMALL = Thresholds(frames_warn=0, frames_a_parameter_warn=0, chunk_size=4)
FEW = SMALL.model_copy(update={"episodes_warn": 1})
DATA = "data/chunk-000/file-000.parquet"


def named(report: AuditReport, verdict: str) -> list[str]:
    return [check.name for check in report.checks if check.verdict == verdict]


def drive(root: Path, spec: WorldSpec, actions: np.ndarray, brightness: int = 120) -> Path:
    """One episode whose labels are ``actions`` (T, 2)."""
    builder = DatasetBuilder(root, spec)
    recorder = builder.recorder(0)
    rng = np.random.default_rng(0)
    for tick, action in enumerate(actions):
        shade = brightness + 20 * (tick % 2) if brightness else 0
        recorder.add(
            {
                "observation.images.ego": np.full((24, 32, 3), shade, np.uint8),
                "observation.state": rng.uniform(-1, 1, 2).astype(np.float32),
            },
            action,
            action,
        )
    steps = len(actions)
    recorder.commit(0, Scenario(world="toy"), Outcome(True, 1.0, steps, steps / 10, "success"))
    builder.seal()
    return root


def rewrite(root: Path, column: str, change: Callable[[np.ndarray], None]) -> None:
    """Change a column of the data file behind the statistics' back."""
    table = pq.ParquetFile(root / DATA).read()
    place = table.column_names.index(column)
    kind = table.schema.field(column).type
    values = np.array(table[column].to_pylist())
    change(values)
    changed = pa.array(values.tolist(), type=kind)
    pq.write_table(table.set_column(place, table.schema.field(column), changed), root / DATA)


def test_a_good_dataset_passes(dataset: Dataset) -> None:
    report = audit(dataset.root, thresholds=FEW)
    assert report.verdict == "pass", named(report, "warn")
    assert report.facts["episodes"] == 4
    assert report.facts["failed_drives"] == 1
    assert json.loads(json.dumps(report.to_dict()))["verdict"] == "pass"
    assert audit(dataset.root, thorough=True, thresholds=FEW).verdict == "pass"


def test_few_episodes_warn(dataset: Dataset) -> None:
    report = audit(dataset.root, thresholds=SMALL)
    assert report.verdict == "warn"
    assert named(report, "warn") == ["episodes"]


@pytest.mark.parametrize(
    ("column", "change", "check"),
    [
        ("action", lambda v: v.__setitem__((5, 0), np.nan), "finite: action"),
        ("observation.state", lambda v: v.__setitem__((9, 1), np.inf), "finite: observation.state"),
        ("action", lambda v: v.__setitem__((5, 0), 1.5), "range: action.steering"),
        ("timestamp", lambda v: v.__setitem__(7, 9.0), "timestamps"),
        ("frame_index", lambda v: v.__setitem__(7, 3), "index: frame_index"),
        ("episode_index", lambda v: v.__setitem__(30, 0), "index: episode_index"),
        ("observation.state", lambda v: v.__imul__(0.5), "statistics: observation.state"),
    ],
)
def test_bad_numbers_fail_by_name(
    dataset: Dataset, column: str, change: Callable[[np.ndarray], None], check: str
) -> None:
    rewrite(dataset.root, column, change)
    report = audit(dataset.root, thresholds=FEW)
    assert report.verdict == "fail"
    assert check in named(report, "fail")


def test_action_shares_warn_per_channel(tmp_path: Path, spec: WorldSpec) -> None:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-0.9, 0.9, (100, 2)).astype(np.float32)
    actions[:76, 1] = 0  # the predecessor's bucket
    report = audit(drive(tmp_path / "zero", spec, actions), thresholds=FEW)
    assert report.verdict == "warn"
    assert named(report, "warn") == ["zero: lift"]
    actions[:, 1] = rng.choice([-1.0, 1.0], 100)
    report = audit(drive(tmp_path / "full", spec, actions), thresholds=FEW)
    assert named(report, "warn") == ["saturated: lift"]


def test_nothing_but_idle_fails(tmp_path: Path, spec: WorldSpec) -> None:
    actions = np.zeros((100, 2), np.float32)
    actions[:5] = 0.5
    report = audit(drive(tmp_path / "idle", spec, actions), thresholds=FEW)
    assert named(report, "fail") == ["idle"]
    report = audit(drive(tmp_path / "still", spec, actions * 0 + 0.3), thresholds=FEW)
    assert "variance: action" in named(report, "fail")


def test_black_frames_fail(tmp_path: Path, spec: WorldSpec) -> None:
    actions = np.random.default_rng(0).uniform(-1, 1, (30, 2)).astype(np.float32)
    report = audit(drive(tmp_path / "black", spec, actions, brightness=0), thresholds=FEW)
    assert named(report, "fail") == ["black frames: ego"]
    assert "frozen frames: ego" in named(report, "warn")


def test_an_unusual_length_warns(tmp_path: Path, spec: WorldSpec, record) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    for slot in range(14):
        record(builder, slot, 40 if slot == 9 else 6 + slot % 2)
    builder.seal()
    report = audit(tmp_path, thresholds=FEW)
    assert named(report, "warn") == ["lengths"]
    assert next(c for c in report.checks if c.name == "lengths").where == "episodes 9"


def test_videos_must_be_those_that_were_recorded(dataset: Dataset) -> None:
    folder = dataset.root / "videos/observation.images.ego/chunk-000"
    shutil.copy(folder / "file-004.mp4", folder / "file-000.mp4")
    report = audit(dataset.root, thresholds=FEW)
    failed = next(check for check in report.checks if check.verdict == "fail")
    assert failed.name == "video frames: ego"
    assert "file-000.mp4: found 16 frames, expected 12" in failed.found
    assert failed.episodes == (0,)
    assert "video changed: ego" in named(report, "fail")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_any_truncated_file_fails_by_name(dataset: Dataset, keep: float) -> None:
    files = [
        path
        for path in sorted(dataset.root.rglob("*"))
        if path.is_file() and not {".shards", "failed"} & set(path.parts)
    ]
    assert len(files) == 11
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[: int(keep * len(whole))])
        report = audit(dataset.root, thresholds=FEW)
        assert report.verdict == "fail", path
        assert any(
            path.name in check.found + check.where
            for check in report.checks
            if check.verdict == "fail"
        ), path
        path.write_bytes(whole)
    assert audit(dataset.root, thresholds=FEW).verdict == "pass"


@pytest.mark.parametrize("seed", range(8))
def test_flipped_bytes_never_make_it_fall_over(dataset: Dataset, seed: int) -> None:
    rng = np.random.default_rng(seed)
    files = [
        path
        for path in sorted(dataset.root.rglob("*"))
        if path.is_file() and not {".shards", "failed"} & set(path.parts)
    ]
    for path in files:
        whole = path.read_bytes()
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 5):
            damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(damaged))
        assert audit(dataset.root).verdict in ("pass", "warn", "fail")
        path.write_bytes(whole)


def test_what_is_no_dataset_fails(tmp_path: Path) -> None:
    report = audit(tmp_path / "nowhere")
    assert (report.verdict, named(report, "fail")) == ("fail", ["opens"])
