"""LoRA adapters (Hu et al., 2021, arXiv:2106.09685) in a backbone, put there by peft."""

from __future__ import annotations

from typing import Any

from torch import nn

from loopyard.core.errors import ConfigError, expected
from loopyard.policies.vla.backbones import BACKBONES
from loopyard.policies.vla.config import VlaConfig


def adapted_layers(model: nn.Module, config: VlaConfig) -> list[str]:
    """Full names of the layers that get an adapter.

    Raises:
        ConfigError: a target that no linear layer is called.
    """
    backbone = BACKBONES[config.backbone]
    parts = backbone.language + (backbone.vision if config.lora_vision else ())
    targets = config.lora_targets or backbone.attention
    found = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and name.startswith(parts)
        and name.rpartition(".")[2] in targets
    ]
    known = {name.rpartition(".")[2] for name in found}
    for target in config.lora_targets:
        if target not in known:
            there = sorted(
                {
                    name.rpartition(".")[2]
                    for name, module in model.named_modules()
                    if isinstance(module, nn.Linear) and name.startswith(parts)
                }
            )
            raise ConfigError(expected("policy_options", "lora_targets", target, f"of {there}"))
    return found


def lora_config(config: VlaConfig, layers: list[str]) -> Any:
    """peft's settings of the adapters."""
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,  # pyright: ignore[reportArgumentType]
        lora_dropout=config.lora_dropout,
        target_modules=layers,
    )


def add_adapters(model: nn.Module, config: VlaConfig) -> None:
    """Freeze ``model`` and put adapters in; their first values come from torch's generator."""
    from peft import inject_adapter_in_model

    model.requires_grad_(False)
    inject_adapter_in_model(lora_config(config, adapted_layers(model, config)), model)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()  # however the backbone is held


def merge_adapters(model: nn.Module) -> None:
    """Add every adapter to the layer it is at, which then stands alone.

    Raises:
        ConfigError: an adapter holds numbers that are not finite.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(model.named_modules()):
        if not isinstance(module, BaseTunerLayer):
            continue
        try:
            module.merge(safe_merge=True)
        except ValueError as error:
            raise ConfigError(expected(name, "adapter", str(error), "finite numbers")) from None
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, module.get_base_layer())
