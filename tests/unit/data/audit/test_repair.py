"""A repaired copy: what it drops and why, what it rebuilds, and that it then passes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from defects import BASES, DEFECTS, Defect

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.data.audit import AuditReport, Thresholds, audit
from loopyard.data.audit.repair import repair
from loopyard.data.dataset import open_dataset
from loopyard.surface.cli import main

FEW = Thresholds(episodes_warn=1, frames_warn=0, frames_a_parameter_warn=0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("clean")
    return {name: BASES[name](root / name) for name in ("own", "foreign")}


def planted(made: dict[str, Path], tmp_path: Path, what: str) -> tuple[Path, AuditReport]:
    defect: Defect = next(defect for defect in DEFECTS if defect.what == what)
    root = tmp_path / "damaged"
    shutil.copytree(made[defect.base], root)
    defect.plant(root)
    return root, audit(root, thorough=True, thresholds=FEW)


MENDED = {
    "NaN in an action": 11,
    "an episode whose frames are black": 11,
    "two episodes with the same drive": 11,
    "a video with frames missing": 11,
    "a video whose pictures are damaged": 11,
    "a video with frames too many": 12,
    "a timestamp off the beat": 12,
    "row numbers that jump": 12,
    "a data file without a footer": 6,
    "an episode table without a footer": 12,
    "a wrong number of frames": 12,
    "two splits that overlap": 12,
    "an episode numbered twice": 12,
    "statistics of other data": 12,
    "our own metadata cut off": 12,
}
"""Defects, and how many of 12 episodes their repaired copy keeps."""


QUICK = ("NaN in an action", "a data file without a footer", "a video with frames missing")


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(
            what,
            id=what.replace(" ", "_"),
            marks=() if what in QUICK else (pytest.mark.slow,),
        )
        for what in MENDED
    ],
)
def test_the_copy_passes(made: dict[str, Path], tmp_path: Path, what: str) -> None:
    root, report = planted(made, tmp_path, what)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = repair(root, tmp_path / "copy", report)
    assert done.kept == MENDED[what], done
    copy = audit(tmp_path / "copy", thorough=True, thresholds=FEW)
    failed = [check for check in copy.checks if check.verdict == "fail"]
    assert not failed
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_numbers_tasks_and_videos_are_the_same(made: dict[str, Path], tmp_path: Path) -> None:
    root, report = planted(made, tmp_path, "two splits that overlap")
    repair(root, tmp_path / "copy", report)
    source, copy = open_dataset(root), open_dataset(tmp_path / "copy")
    for name in ("action", "observation.state"):
        np.testing.assert_array_equal(source.column(name), copy.column(name))
    assert [e.task for e in source.episodes] == [e.task for e in copy.episodes]
    apart = source.decode("side", 7).astype(int) - copy.decode("side", 7)
    assert np.abs(apart).mean() < 2


def test_the_lineage_tells_what_was_done(made: dict[str, Path], tmp_path: Path) -> None:
    root, report = planted(made, tmp_path, "NaN in an action")
    done = repair(root, tmp_path / "copy", report)
    copy = open_dataset(tmp_path / "copy")
    assert copy.own is not None
    lineage = copy.own["lineage"]
    assert lineage["made_by"] == "audit --fix"
    assert lineage["apart"] == {"0": "finite: action"}
    assert lineage["digest"] == open_dataset(root).digest
    assert "statistics: action" in done.rebuilt
    assert copy.own["failed"] == 1
    assert (tmp_path / "copy/failed/000000/data.parquet").is_file()
    assert [entry.meta["episode"] for entry in copy.episodes] == list(range(1, 12))


def test_never_in_place_and_never_over_something(made: dict[str, Path], tmp_path: Path) -> None:
    root, report = planted(made, tmp_path, "NaN in an action")
    for out in (root, root / "copy", made["own"]):
        with pytest.raises(ConfigError, match="--fix"):
            repair(root, out, report)


def test_nothing_to_save_is_named(made: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "damaged"
    shutil.copytree(made["own"], root)
    path = root / "data/chunk-000/file-000.parquet"
    path.write_bytes(path.read_bytes()[:99])
    with pytest.raises(DatasetError, match="whole episodes"):
        repair(root, tmp_path / "copy", audit(root, thresholds=FEW))
    assert not (tmp_path / "copy").exists()


def test_the_command_ends_by_the_copys_verdict(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, _ = planted(made, tmp_path, "NaN in an action")
    assert main(["audit", str(root), "--no-video"]) == 1
    capsys.readouterr()
    assert main(["audit", str(root), "--fix", str(tmp_path / "copy"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["repair"]["apart"] == {"0": "finite: action"}
    assert said["path"] == str(tmp_path / "copy")
