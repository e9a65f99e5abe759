"""What a checkpoint of `vla` holds, where it finds its backbone, and what it becomes without it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from loopyard.core.errors import CheckpointError, ConfigError
from loopyard.policies.catalogue import make_model, own_inputs
from loopyard.policies.checkpoint import load_checkpoint, load_policy, save_checkpoint
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.processing import Processing
from loopyard.policies.vla.merge import export_adapters, merge_checkpoint
from loopyard.policies.vla.model import VlaModel
from loopyard.policies.vla.weights import make_base
from loopyard.policies.words import FIRST, PAD
from loopyard.surface.cli import main

VOCABULARY = ("go", "left", "of", "the", "box", "reach", "cup")


@pytest.fixture
def saved(vla_of, processing_of, tmp_path):
    def save(**sizes) -> tuple[Path, ChunkedPolicy]:
        model = vla_of(**sizes)
        processing = processing_of(model.config, vocabulary=VOCABULARY)
        folder = save_checkpoint(
            tmp_path / "checkpoint",
            config=model.config,
            weights=model.state_dict(),
            processing=processing,
            facts={},
        )
        return folder, ChunkedPolicy(model, processing)

    return save


@pytest.fixture
def obs(numbers):
    return {
        "observation.images.ego": numbers["images"][0],
        "observation.state": numbers["state"][0],
        "task": "reach the cup",
    }


@pytest.mark.parametrize("backbone", ["kosmos-2", "smolvlm"])
def test_it_holds_no_frozen_backbone_and_drives_the_same(saved, obs, backbone):
    folder, policy = saved(backbone=backbone, n_obs_steps=4)
    held = load_file(folder / "model.safetensors")
    assert not [name for name in held if name.startswith("backbone.") and "lora_" not in name]
    loaded = load_policy(folder)
    assert isinstance(loaded, ChunkedPolicy)
    assert loaded.n_obs_steps == 4
    assert loaded.digest == policy.digest
    assert np.array_equal(loaded.predict_chunk(obs), policy.predict_chunk(obs))


def test_another_backbone_is_refused(saved):
    folder, _ = saved()
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights_seed": 1}))
    with pytest.raises(CheckpointError, match=r"backbone: found 'weights [0-9a-f]{16}'"):
        load_policy(folder)


@pytest.mark.parametrize("sizes", [{}, {"base_dtype": "bfloat16"}, {"lora_vision": True}])
def test_merged_it_stands_alone_and_drives_the_same(saved, obs, tmp_path, sizes):
    folder, policy = saved(**sizes)
    assert main(["merge", str(folder), str(tmp_path / "merged")]) == 0
    merged = load_policy(tmp_path / "merged")
    assert isinstance(merged, ChunkedPolicy)
    assert not [name for name, _ in merged.model.named_parameters() if "lora_" in name]
    close = 0.02 if sizes.get("base_dtype") else 1e-5
    assert np.allclose(merged.predict_chunk(obs), policy.predict_chunk(obs), atol=close)
    with pytest.raises(ConfigError, match="out: found 'something there'"):
        merge_checkpoint(folder, tmp_path / "merged")


@pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"
)  # peft asks
def test_exported_adapters_are_pefts(saved, tmp_path):
    from peft import PeftModel

    folder, policy = saved()
    out = tmp_path / "adapters"
    assert main(["export", "adapters", str(folder), str(out)]) == 0
    wrapped = PeftModel.from_pretrained(make_base(policy.config).model, str(out))  # type: ignore[arg-type]
    own = {name: value for name, value in policy.model.state_dict().items() if "lora_" in name}
    for name, values in own.items():
        inner = name.replace("backbone.", "base_model.model.", 1)
        assert torch.equal(wrapped.get_parameter(inner), values)
    with pytest.raises(ConfigError, match="out"):
        export_adapters(folder, out)


def test_only_adapters_can_be_exported(saved, tmp_path):
    folder, _ = saved(mode="frozen", readout="pooled")
    with pytest.raises(CheckpointError, match="mode: found 'frozen'"):
        export_adapters(folder, tmp_path / "out")


@pytest.fixture
def from_folder(config_of, pretrained):
    def make(**sizes):
        return config_of("vla", **{"size": None, "weights": str(pretrained), **sizes})

    return make


def test_trained_weights_bring_their_tokenizer_and_colours(
    from_folder, processing_of, pretrained, obs, tmp_path
):
    config = from_folder()
    found = own_inputs(config)
    assert found is not None
    tokenizer, colours = found
    plain = processing_of(config)
    statistics = {**plain.statistics, "observation.images.ego": colours}
    processing = Processing(plain.config, statistics, tokenizer=tokenizer)
    model = make_model(config).eval()
    told = processing.text(["reach the mug"])[0]
    assert told[told != PAD].tolist() == [FIRST + 11, FIRST + 12, FIRST + 3]
    assert isinstance(model, VlaModel)
    assert model._token_numbers(told)[:4].tolist() == [11, 12, 3, 1]
    white = processing.images("ego", torch.full((1, 32, 32, 3), 255, dtype=torch.uint8))
    assert white[0, :, 0, 0].tolist() == pytest.approx(
        [(1 - mean) / std for mean, std in zip((0.48, 0.46, 0.41), (0.27, 0.26, 0.28), strict=True)]
    )
    folder = save_checkpoint(
        tmp_path / "checkpoint",
        config=config,
        weights=model.state_dict(),
        processing=processing,
        facts={},
    )
    loaded = load_policy(folder)
    assert isinstance(loaded, ChunkedPolicy)
    assert loaded.processing.digest == processing.digest
    chunk = ChunkedPolicy(model, processing).predict_chunk(obs)
    assert np.array_equal(loaded.predict_chunk(obs), chunk)
    with pytest.raises(CheckpointError, match="task"):
        loaded.predict_chunk({**obs, "task": "une tasse rouge"})
    with pytest.raises(CheckpointError, match="task"):
        loaded.predict_chunk({**obs, "task": ""})
    merge_checkpoint(folder, tmp_path / "merged")
    shutil.rmtree(pretrained)
    alone = load_policy(tmp_path / "merged")
    assert np.allclose(alone.predict_chunk(obs), chunk, atol=1e-5)
    with pytest.raises(CheckpointError, match=r"config.json: .*weights: found .*kosmos"):
        load_checkpoint(folder).model()


def test_weights_of_another_network_are_refused(from_folder, pretrained):
    config = json.loads((pretrained / "config.json").read_text())
    config["text_config"]["layers"] = 3
    (pretrained / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=r"20 weights missing"):
        make_model(from_folder())


def test_a_hub_name_while_offline_says_what_to_do(config_of):
    config = config_of("vla", size=None, weights="microsoft/kosmos-2-patch14-224")
    with pytest.raises(ConfigError, match=r"weights: found 'microsoft.*download true"):
        make_model(config)
    with pytest.raises(ConfigError, match="weights: found"):
        own_inputs(config)


def test_whether_to_download_is_never_kept(config_of):
    config = config_of("vla", size=None, weights="some/name", download=True)
    assert "download" not in config.model_dump(mode="json")


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("preprocessor_config.json", "{}", "image_mean"),
        ("preprocessor_config.json", "[", "a JSON object"),
        ("tokenizer.json", None, "tokenizer.json: found 'nothing'"),
    ],
)
def test_a_folder_that_lacks_something(from_folder, pretrained, name, text, field):
    if text is None:
        (pretrained / name).unlink()
    else:
        (pretrained / name).write_text(text)
    with pytest.raises(ConfigError, match=field):
        own_inputs(from_folder())


def test_trained_weights_want_their_own_size_of_picture(config_of, pretrained):
    config = config_of("vla", size=None, weights=str(pretrained))
    small = {
        key: feature.model_copy(update={"shape": (3, 16, 16)})
        if feature.type == "VISUAL"
        else feature
        for key, feature in config.input_features.items()
    }
    with pytest.raises(ConfigError, match=r"image_size: found \(16, 16\), expected \(32, 32\)"):
        make_model(config.model_copy(update={"input_features": small}))
