"""A `vla` checkpoint without its adapters: merged into the backbone, or alone for peft."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from loopyard.core.errors import CheckpointError, ConfigError, expected
from loopyard.policies.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from loopyard.policies.vla.adapters import adapted_layers, lora_config, merge_adapters
from loopyard.policies.vla.config import VlaConfig
from loopyard.policies.vla.model import VlaModel
from loopyard.policies.vla.weights import make_base
from loopyard.store.atomic import staged_folder

OF_PEFT = "base_model.model."
"""What peft puts before the names of a network that it has wrapped."""


def merge_checkpoint(source: Path, out: Path) -> VlaConfig:
    """Write the checkpoint at ``source`` to ``out`` as one that stands alone.

    Adapters are added to the layers they are at, and the whole backbone is in ``out``, in float32:
    neither peft nor the folder the backbone came from is needed any more.

    Returns:
        The config of what was written.

    Raises:
        CheckpointError: it is damaged, not of type vla, or its backbone is not there.
        ConfigError: there is something at ``out``.
    """
    checkpoint, model = _loaded(source)
    _require_empty(out)
    merge_adapters(model.backbone)
    model.backbone.float()
    architecture = json.loads(model.backbone.config.to_json_string(use_diff=False))  # type: ignore[union-attr,operator]
    config = VlaConfig.model_validate(
        {
            **model.config.model_dump(),
            "mode": "full",
            "weights": None,
            "size": None,
            "architecture": architecture,
            "marks": model.marks,
            "base_dtype": "float32",
        }
    )
    weights = {f"backbone.{name}": values for name, values in model.backbone.state_dict().items()}
    weights |= {
        name: values
        for name, values in model.state_dict().items()
        if not name.startswith("backbone.") and name != "base_fingerprint"
    }
    save_checkpoint(
        out,
        config=config,
        weights=weights,
        processing=checkpoint.processing,
        facts={**checkpoint.facts, "merged": True},
    )
    return config


def export_adapters(source: Path, out: Path) -> int:
    """Write a checkpoint's LoRA adapters for ``peft.PeftModel.from_pretrained``.

    Returns:
        How many layers have one.

    Raises:
        CheckpointError: it is damaged, not of type vla, or has no adapters.
        ConfigError: there is something at ``out``.
    """
    checkpoint, model = _loaded(source)
    if model.config.mode != "lora":
        raise CheckpointError(
            expected(str(checkpoint.path), "mode", model.config.mode, "lora: no other has adapters")
        )
    _require_empty(out)
    layers = adapted_layers(make_base(model.config).model, model.config)
    settings = lora_config(model.config, layers)
    settings.inference_mode = True
    settings.base_model_name_or_path = model.config.weights
    with staged_folder(out) as staging:
        settings.save_pretrained(str(staging))
        save_file(
            {
                OF_PEFT + name.removeprefix("backbone.").replace(".default.", "."): values
                for name, values in model.state_dict().items()
                if ".lora_" in name
            },
            staging / "adapter_model.safetensors",
        )
    return len(layers)


def _loaded(source: Path) -> tuple[Checkpoint, VlaModel]:
    checkpoint = load_checkpoint(source)
    if checkpoint.config.type != "vla":
        raise CheckpointError(
            expected(str(checkpoint.path), "type", checkpoint.config.type, "'vla'")
        )
    model = checkpoint.model()
    assert isinstance(model, VlaModel)
    with torch.no_grad():
        return checkpoint, model.eval()


def _require_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(expected(str(out), "out", "something there", "a new or empty folder"))
