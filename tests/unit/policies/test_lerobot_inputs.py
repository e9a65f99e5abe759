from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from loopyard.core.errors import CheckpointError
from loopyard.policies.checkpoint import load_policy
from loopyard.policies.lerobot_inputs import read_inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A diffusion policy's folder as far as it is looked at before LeRobot is imported."""
    write(
        tmp_path,
        "config.json",
        {
            "type": "diffusion",
            "normalization_mapping": {},
            "input_features": {
                "observation.images.front": {"type": "VISUAL", "shape": [3, 24, 32]},
                "observation.images.empty_camera_0": {"type": "VISUAL", "shape": [3, 480, 640]},
                "observation.state": {"type": "STATE", "shape": [3]},
            },
            "output_features": {"action": {"type": "ACTION", "shape": [2]}},
        },
    )
    rename = {"rename_map": {"observation.images.ego": "observation.images.front"}}
    steps = [{"registry_name": "rename_observations_processor", "config": rename}]
    write(tmp_path, "policy_preprocessor.json", {"steps": steps})
    write(tmp_path, "policy_postprocessor.json", {"steps": []})
    return tmp_path


def write(folder: Path, name: str, data: Any) -> None:
    (folder / name).write_text(json.dumps(data))


def test_cameras_are_asked_for_by_the_worlds_names(folder):
    inputs = read_inputs(folder)
    assert inputs.cameras == {"observation.images.ego": (24, 32)}
    assert (inputs.state_size, inputs.action_size) == (3, 2)
    batch = inputs.batch(
        {
            "observation.images.ego": np.full((24, 32, 3), (0, 51, 255), np.uint8),
            "observation.state": np.array([1, 2, 3], np.float32),
            "task": "push",
        }
    )
    assert batch["task"] == ["push"]
    assert batch["observation.state"].tolist() == [[1, 2, 3]]
    picture = batch["observation.images.ego"]
    assert picture.shape == (1, 3, 24, 32)
    assert torch.allclose(picture[0, :, 5, 7], torch.tensor([0, 0.2, 1]))
    assert inputs.batch(inputs.blank())["task"] == [""]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observation.images.ego": None}, r"images\.ego: found"),
        ({"observation.images.ego": np.zeros((24, 24, 3), np.uint8)}, r"\(24, 32, 3\) uint8"),
        ({"observation.images.ego": np.zeros((24, 32, 3), np.float32)}, "float32"),
        ({"observation.state": np.zeros(4, np.float32)}, r"state: found \(4,\), expected shape"),
    ],
)
def test_what_does_not_fit_is_named(folder, change, message):
    inputs = read_inputs(folder)
    with pytest.raises(CheckpointError, match=message):
        inputs.batch(inputs.blank() | change)


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("observation.environment_state", {"type": "ENV", "shape": [5]}),
        ("observation.image", {"type": "VISUAL", "shape": [3, 8, 8]}),
        ("observation.images.depth", {"type": "VISUAL", "shape": [1, 8, 8]}),
        ("observation.state", {"type": "STATE"}),
    ],
)
def test_inputs_that_no_world_has_are_refused(folder, name, feature):
    data = json.loads((folder / "config.json").read_text())
    data["input_features"][name] = feature
    write(folder, "config.json", data)
    with pytest.raises(CheckpointError, match=r"config\.json: input_features"):
        load_policy(folder)


@pytest.mark.parametrize("name", ["policy_preprocessor.json", "policy_postprocessor.json"])
@pytest.mark.parametrize(
    "step",
    [
        {"class": "subprocess.Popen", "config": {"args": "touch here"}},
        {"registry_name": "normalizer_processor", "state_file": "../elsewhere.safetensors"},
        {"registry_name": "normalizer_processor", "state_file": "state.pt"},
        "normalizer_processor",
    ],
)
def test_a_processor_file_names_no_class_and_leads_nowhere_else(folder, name, step):
    write(folder, name, {"steps": [step]})
    with pytest.raises(CheckpointError, match=name):
        load_policy(folder)


def test_without_lerobot_it_is_said_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "lerobot", None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CheckpointError, match=r"pip install 'loopyard\[lerobot\]'"):
        load_policy(folder)


def test_another_type_without_lerobots_marks_is_a_wrong_checkpoint(folder):
    data = json.loads((folder / "config.json").read_text())
    data.pop("normalization_mapping")
    write(folder, "config.json", data)
    with pytest.raises(CheckpointError, match="policy: found 'diffusion'"):
        load_policy(folder)
