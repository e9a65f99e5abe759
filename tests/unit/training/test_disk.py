"""A disk that fills up: refused before the work, paused in time, nothing good is given up."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import save_file

from loopyard.core.errors import CheckpointError, NoSpaceError
from loopyard.policies import checkpoint
from loopyard.store.manifest import verify_manifest
from loopyard.training import loop
from loopyard.training.loop import train


def disk_with(monkeypatch: pytest.MonkeyPatch, *sizes: int) -> None:
    """Free bytes at each look, the last of them from then on."""
    left = list(sizes)
    monkeypatch.setattr(loop, "free_bytes", lambda path: left.pop(0) if left[1:] else left[0])


@pytest.mark.parametrize("keep", [0, 3])
def test_two_and_a_half_of_the_largest_checkpoint_must_fit(
    config_of, sources, out, monkeypatch, keep
):
    asked = []
    monkeypatch.setattr(loop, "require_space", lambda path, size, what: asked.append(size))
    train(config_of(steps=1, keep=keep), sources, out)
    size = sum(
        values.nbytes
        for name in ("model", "resume")
        for key, values in checkpoint.read_tensors(out / f"last/{name}.safetensors").items()
        if key != "rng.torch"
    )
    assert asked[0] >= 2.49 * size  # Adam counts its steps, four bytes a tensor


def test_at_low_water_it_pauses_and_goes_on_from_there(config_of, sources, tmp_path, monkeypatch):
    train(config_of(), sources, tmp_path / "whole")
    with monkeypatch.context() as patch:
        disk_with(patch, 10)
        with pytest.raises(NoSpaceError, match=r"paused after 3 steps.*--resume") as caught:
            train(config_of(), sources, tmp_path / "parts")
    assert caught.value.exit_code == 3
    assert json.loads((tmp_path / "parts/last/resume.json").read_text())["step"] == 3
    train(config_of(), sources, tmp_path / "parts", resume=True)
    weights = [(tmp_path / f"{name}/last/model.safetensors") for name in ("whole", "parts")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_the_older_checkpoint_stays_until_the_newer_is_whole(config_of, sources, out, monkeypatch):
    train(config_of(), sources, out)
    before = verify_manifest(out / "last")

    def cut_short(tensors, path) -> None:
        save_file(tensors, path)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 8)

    monkeypatch.setattr(checkpoint, "save_file", cut_short)
    with pytest.raises(CheckpointError, match="expected a whole safetensors file"):
        train(config_of(steps=9), sources, out, resume=True)
    assert verify_manifest(out / "last") == before
