"""Artifacts: sealed where they lie, named by digests, and every damage of them is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopyard.core.errors import StoreError
from loopyard.store.artifacts import artifact_damage, folder_damage, inside, seal
from loopyard.store.manifest import MANIFEST_NAME


@pytest.fixture
def run(tmp_path: Path) -> Path:
    data = tmp_path / "run/cycles/01/dataset"
    (data / "meta").mkdir(parents=True)
    (data / "meta/info.json").write_text("{}")
    (data / "rows").write_bytes(bytes(range(50)))
    (data / ".cache").mkdir()
    (data / ".cache/frames").write_text("made anew at any time")
    (tmp_path / "run/audit.json").write_text('{"verdict": "pass"}')
    return tmp_path / "run"


@pytest.fixture
def artifacts(run: Path) -> dict[str, str]:
    return seal(run, [run / "cycles/01/dataset", run / "audit.json"])


def test_what_was_sealed_is_whole_and_sealing_again_changes_nothing(run, artifacts):
    assert list(artifacts) == ["cycles/01/dataset", "audit.json"]
    assert artifact_damage(run, artifacts) == []
    manifest = run / "cycles/01/dataset" / MANIFEST_NAME
    before = manifest.stat().st_mtime_ns
    assert seal(run, [run / "cycles/01/dataset"]).items() <= artifacts.items()
    assert manifest.stat().st_mtime_ns == before


def test_working_files_do_not_count(run, artifacts):
    (run / "cycles/01/dataset/.cache/frames").write_text("others")
    (run / "cycles/01/dataset/.cache/more").write_text("more")
    assert artifact_damage(run, artifacts) == []


def test_flipped_bytes_of_a_manifest_are_found(run, artifacts):
    """Every byte of one is flipped in test_manifest.py."""
    path = run / "cycles/01/dataset" / MANIFEST_NAME
    whole = path.read_bytes()
    for place in range(0, len(whole), 29):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert artifact_damage(run, artifacts), f"byte {place}"


def test_a_manifest_that_fits_its_folder_but_not_the_event_is_found(run, artifacts):
    dataset = run / "cycles/01/dataset"
    (dataset / "rows").write_bytes(b"others")
    seal(run, [dataset])
    assert folder_damage(dataset) == []
    assert "of the event log" in artifact_damage(run, artifacts)[0]


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda path: (path / "rows").write_bytes(b"cut"), "rows: size: found 3, expected 50"),
        (lambda path: (path / "rows").unlink(), "rows: missing, but manifest.json names it"),
        (lambda path: (path / "meta/more.json").write_text("{}"), "more.json: no manifest names"),
        (lambda path: (path / "link").symlink_to("rows"), "link: no manifest names it"),
        (lambda path: (path / MANIFEST_NAME).unlink(), "manifest.json: missing"),
    ],
)
def test_each_damage_of_a_folder_is_named(run, artifacts, damage, line):
    damage(run / "cycles/01/dataset")
    (found,) = artifact_damage(run, artifacts)
    assert line in found


def test_a_file_that_differs_or_is_gone_is_named(run, artifacts):
    (run / "audit.json").write_text('{"verdict": "fail"}')
    assert "audit.json: sha256: found" in artifact_damage(run, artifacts)[0]
    (run / "audit.json").unlink()
    assert "audit.json: missing, but the event log" in artifact_damage(run, artifacts)[0]


@pytest.mark.parametrize("name", ["", "../secret", "/etc/hosts", "a/../b", "a//b", "./a"])
def test_names_that_lead_elsewhere_are_refused(run, name):
    with pytest.raises(StoreError, match="inside the folder"):
        inside(run, name)
