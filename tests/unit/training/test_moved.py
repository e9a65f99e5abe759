"""A training that was moved goes on, and what it wrote says nothing of where it was."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from loopyard.core.errors import CheckpointError
from loopyard.store.atomic import staged_folder
from loopyard.training.resume import settings_digest
from loopyard.training.setup import prepare


def checkpoint(folder: Path, weights: str) -> Path:
    with staged_folder(folder) as staging:
        (staging / "config.json").write_text("{}")
        (staging / "model.safetensors").write_text(weights)
    return folder


def test_what_it_began_from_counts_by_content_and_not_by_place(config_of, tmp_path):
    one = checkpoint(tmp_path / "a/cycles/01/checkpoints/last", "one")
    two = checkpoint(tmp_path / "a/cycles/02/checkpoints/last", "two")
    before = settings_digest(config_of(init_from=one))
    assert settings_digest(config_of(init_from=two)) != before
    assert settings_digest(config_of()) != before
    moved = Path(shutil.move(tmp_path / "a", tmp_path / "b")) / "cycles/01/checkpoints/last"
    assert settings_digest(config_of(init_from=moved)) == before


def test_a_checkpoint_without_a_manifest_counts_by_its_place(config_of, tmp_path):
    foreign = checkpoint(tmp_path / "foreign", "one")
    (foreign / "manifest.json").unlink()
    assert settings_digest(config_of(init_from=foreign)) != settings_digest(config_of())
    with pytest.raises(CheckpointError):
        settings_digest(config_of(init_from=tmp_path / "none"))


def test_paths_in_a_checkpoint_are_seen_from_it(config_of, sources, tmp_path):
    out, data = tmp_path / "cycles/02/checkpoints", tmp_path / "cycles/01/dataset"
    for folder in (out, data):
        folder.mkdir(parents=True)
    (part,) = sources.parts
    sources = replace(sources, parts=[replace(part, facts={"path": str(data), "digest": "ab"})])
    facts = prepare(config_of(), sources, None).facts(out)
    assert facts["datasets"] == [{"path": "../../01/dataset", "digest": "ab"}]
