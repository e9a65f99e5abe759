"""loopyard audit PATH, where recordings of another form lie there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopyard.data.dataset import open_dataset
from loopyard.surface.cli import main

TOYS = Path(__file__).parents[3] / "toy"


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two drives in the Mobile VLA form."""
    monkeypatch.syspath_prepend(str(TOYS))
    from hdf5_recordings import write_mobile_vla

    folder = tmp_path / "cups"
    write_mobile_vla(folder, 2)
    return folder


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)


def test_recordings_are_read_for_the_audit_alone(recordings, tmp_path, capsys) -> None:
    before = sorted(tmp_path.rglob("*"))
    page = tmp_path / "page.html"
    code = main(["audit", str(recordings), "--json", "--html", str(page)])
    answer = said(capsys)
    assert code == (answer["verdict"] == "fail")
    assert answer["path"] == str(recordings)
    assert {"opens": "pass"}.items() <= {c["name"]: c["verdict"] for c in answer["checks"]}.items()
    assert "<h1>cups" in page.read_text()
    assert sorted(tmp_path.rglob("*")) == sorted([*before, page])


def test_the_dataset_read_from_recordings_may_be_kept(recordings, tmp_path, capsys) -> None:
    kept = tmp_path / "kept"
    main(["audit", str(recordings), "--json", "--imported", str(kept)])
    capsys.readouterr()
    assert open_dataset(kept).num_episodes == 2


def test_a_file_of_no_known_form_is_wrong_use(tmp_path, capsys) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind")
    assert main(["audit", str(path)]) == 2
    error = capsys.readouterr().err
    assert "notes.txt: no form that is known" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", ["empty", "nothing"])
def test_a_folder_without_recordings_is_a_dataset_that_does_not_open(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["audit", str(tmp_path / name), "--json"]) == 1
    answer = said(capsys)
    assert answer["checks"][0]["name"] == "opens"
    assert answer["path"] == str(tmp_path / name)
