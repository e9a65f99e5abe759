from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from loopyard.core.errors import CheckpointError, ConfigError
from loopyard.core.specs import CameraSpec
from loopyard.policies.checkpoint import load_policy, save_checkpoint
from loopyard.policies.lerobot_export import export_policy
from loopyard.surface.cli import main


@pytest.fixture
def save(model_of, processing_of, spec, tmp_path):
    def make(kind: str, world=spec, **settings):
        model = model_of(kind)
        return save_checkpoint(
            tmp_path / kind,
            config=model.config,
            weights=model.state_dict(),
            processing=processing_of(model.config, **settings),
            facts={"world_spec": world.to_dict()},
        )

    return make


def test_an_export_is_lerobots_alone_and_drives_the_same(save, numbers, tmp_path, capsys):
    folder, out = save("act"), tmp_path / "out"
    assert main(["export", "lerobot-policy", str(folder), str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["type"], answer["cameras"], answer["chunk_size"]) == ("act", ["ego"], 6)
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "manifest.json",
        "model.safetensors",
        "policy_postprocessor.json",
        "policy_postprocessor_step_0_unnormalizer_processor.safetensors",
        "policy_preprocessor.json",
        "policy_preprocessor_step_3_normalizer_processor.safetensors",
    ]
    obs = {"observation.images.ego": numbers["images"][0], "observation.state": numbers["state"][0]}
    assert np.array_equal(
        load_policy(out).predict_chunk(obs), load_policy(folder).predict_chunk(obs)
    )


def test_what_lerobot_cannot_compute_is_refused(save, spec, tmp_path):
    with pytest.raises(CheckpointError, match="type: found 'act-nano'"):
        export_policy(save("act-nano"), tmp_path / "out")
    larger = replace(spec, cameras=(CameraSpec("ego", 64, 48), CameraSpec("side", 32, 32)))
    with pytest.raises(CheckpointError, match="found '48 x 64, scaled to 32 x 32 inside'"):
        export_policy(save("act", larger), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(save, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(ConfigError, match="a new or empty folder"):
        export_policy(save("act"), tmp_path / "out")


@pytest.mark.parametrize("mode", ["mean_std", "min_max"])
def test_a_channel_that_never_changed_is_not_divided_by_nothing_there(
    config_of, model_of, processing_of, numbers, tmp_path, mode
):
    numbers["state"][:, 1] = 0.25
    config = config_of("act")
    processing = processing_of(config, state_mode=mode, constant_channels="center")
    folder = save_checkpoint(
        tmp_path / "act",
        config=config,
        weights=model_of("act").state_dict(),
        processing=processing,
        facts={},
    )
    found = load_file(folder / "policy_preprocessor_step_3_normalizer_processor.safetensors")
    mean, std = (found[f"observation.state.{name}"].numpy() for name in ("mean", "std"))
    low, high = (found[f"observation.state.{name}"].numpy() for name in ("min", "max"))
    state = numbers["state"] + 0.1
    there = (state - mean) / (std + 1e-8)
    if mode == "min_max":
        there = 2 * (state - low) / (high - low) - 1
    here = processing.state(torch.from_numpy(state)).numpy()
    assert np.allclose(here, there, atol=1e-6)
    assert np.allclose(here[:, 1], 0.1, atol=1e-6)


def test_a_step_that_changes_numbers_is_not_passed_over(save):
    folder = save("act")
    (folder / "processing.json").unlink()
    path = folder / "policy_preprocessor.json"
    data = json.loads(path.read_text())
    data["steps"].insert(0, {"registry_name": "image_crop_resize_processor", "config": {}})
    path.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match="steps: found 'image_crop_resize_processor'"):
        load_policy(folder)
