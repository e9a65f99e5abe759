from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from loopyard.core.errors import CheckpointError
from loopyard.policies.catalogue import TYPES
from loopyard.policies.checkpoint import load_checkpoint, load_policy, save_checkpoint
from loopyard.policies.chunked import ChunkedPolicy

CAMERAS = ("side", "ego")


@pytest.fixture
def saved(model_of, processing_of, spec, tmp_path):
    def save(kind: str):
        model = model_of(kind, CAMERAS)
        processing = processing_of(model.config, vocabulary=("reach", "the", "cup"))
        folder = save_checkpoint(
            tmp_path / kind,
            config=model.config,
            weights=model.state_dict(),
            processing=processing,
            facts={"world_spec": spec.to_dict()},
        )
        return folder, ChunkedPolicy(model, processing)

    return save


@pytest.fixture
def obs(numbers):
    return {
        "observation.images.ego": numbers["images"][0],
        "observation.images.side": numbers["images"][1],
        "observation.state": numbers["state"][0],
        "task": "Reach the cup!",
    }


@pytest.mark.parametrize("kind", TYPES)
def test_a_loaded_policy_is_the_saved_one(saved, obs, spec, kind):
    folder, policy = saved(kind)
    loaded = load_policy(folder, n_action_steps=2)
    assert isinstance(loaded, ChunkedPolicy)
    assert loaded.config.cameras == list(CAMERAS)
    assert loaded.n_action_steps == 2
    assert loaded.spec == spec
    assert loaded.digest == policy.digest
    assert np.array_equal(loaded.predict_chunk(obs), policy.predict_chunk(obs))


def test_act_without_our_files_loads_as_lerobots(saved, obs):
    folder, policy = saved("act")
    names = {path.name for path in folder.iterdir()}
    assert "policy_preprocessor_step_3_normalizer_processor.safetensors" in names
    assert "policy_postprocessor_step_0_unnormalizer_processor.safetensors" in names
    for name in ("processing.json", "processing.safetensors", "training.json", "manifest.json"):
        (folder / name).unlink()
    data = json.loads((folder / "config.json").read_text())
    data |= {"optimizer_lr": 1e-5, "use_peft": False, "pretrained_revision": None}
    (folder / "config.json").write_text(json.dumps(data))
    weights = load_file(folder / "model.safetensors")
    assert all(name.startswith("model.") for name in weights)
    steps = json.loads((folder / "policy_preprocessor.json").read_text())["steps"]
    assert [step["registry_name"] for step in steps] == [
        "rename_observations_processor",
        "to_batch_processor",
        "device_processor",
        "normalizer_processor",
    ]
    assert np.array_equal(load_policy(folder).predict_chunk(obs), policy.predict_chunk(obs))


def test_missing_and_extra_weights_are_errors(saved):
    folder, _ = saved("act-nano")
    path = folder / "model.safetensors"
    whole = load_file(path)
    save_file({name: values for name, values in whole.items() if name != "eye.read.bias"}, path)
    with pytest.raises(CheckpointError, match=r"1 missing \['eye.read.bias'\]"):
        load_policy(folder)
    save_file(whole | {"surplus": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"1 unknown \['surplus'\]"):
        load_policy(folder)
    save_file(whole | {"eye.read.bias": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=r"eye.read.bias: found \(3,\)"):
        load_policy(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "processing.safetensors"])
def test_damaged_and_missing_files_are_named(saved, name):
    folder, _ = saved("act-nano")
    path = folder / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(folder)
    path.unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "diffusion"}, "policy: found 'diffusion'"),
        ({"hidden": -1}, "hidden: found -1"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_foreign_configs_are_refused(saved, change, field):
    folder, _ = saved("act-nano")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=field):
        load_checkpoint(folder)


def test_a_state_file_may_not_lead_out_of_the_folder(saved):
    folder, _ = saved("act")
    (folder / "processing.json").unlink()
    path = folder / "policy_preprocessor.json"
    path.write_text(path.read_text().replace("policy_preprocessor_step_3", "../x"))
    with pytest.raises(CheckpointError, match="state_file"):
        load_checkpoint(folder)


def test_nothing_there(tmp_path):
    with pytest.raises(CheckpointError, match="folder: found 'nothing'"):
        load_policy(tmp_path / "none")


@pytest.mark.parametrize("name", ["zero", "random"])
def test_baselines_by_name(name):
    assert load_policy(name).predict_chunk({}).shape == (20, 4)
