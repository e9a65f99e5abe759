"""audit, export raw and import raw as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.data.dataset import Dataset, open_dataset
from loopyard.surface.cli import main


def test_audit_answers_with_its_exit_code(
    dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(dataset.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "warn"
    path = dataset.root / "data/chunk-000/file-000.parquet"
    path.write_bytes(path.read_bytes()[:99])
    assert main(["audit", str(dataset.root)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("fail: ")
    assert "file-000.parquet" in out


def test_raw_there_and_back(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, back = str(tmp_path / "raw"), str(tmp_path / "back")
    assert main(["export", "raw", str(dataset.root), raw, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["episodes"] == 4
    assert main(["import", "raw", raw, back]) == 0
    assert open_dataset(back).digest == dataset.digest


def test_bad_input_is_exit_two_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "raw", str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "nowhere" in err
    assert err.count("\n") == 1
