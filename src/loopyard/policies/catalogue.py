"""The networks there are, by the ``type`` of their config."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from loopyard.core.errors import ConfigError, expected
from loopyard.policies.config import PolicyConfig, validated

TYPES = ("act-nano", "act", "vla-nano", "vla")


def make_config(kind: str, where: str, data: dict[str, Any]) -> PolicyConfig:
    """The config of a network. Raises ConfigError naming file and field."""
    if kind == "act-nano":
        from loopyard.policies.nano.config import NanoConfig

        return validated(NanoConfig, where, data)
    if kind == "act":
        from loopyard.policies.act.config import ACTConfig

        return validated(ACTConfig, where, data)
    if kind == "vla-nano":
        from loopyard.policies.vla_nano.config import VlaNanoConfig

        return validated(VlaNanoConfig, where, data)
    if kind == "vla":
        from loopyard.policies.vla.config import VlaConfig

        return validated(VlaConfig, where, data)
    raise ConfigError(expected(where, "policy", kind, f"one of {list(TYPES)}"))


def own_inputs(config: PolicyConfig) -> tuple[str, dict[str, np.ndarray]] | None:
    """The tokenizer (the text of its file) and the colour statistics of trained weights that a
    network begins from; None where it begins from none."""
    if config.type != "vla":
        return None
    from loopyard.policies.vla.config import VlaConfig
    from loopyard.policies.vla.weights import own_inputs

    assert isinstance(config, VlaConfig)
    return own_inputs(config)


def make_model(config: PolicyConfig) -> nn.Module:
    """A network with fresh weights (drawn from torch's global generator).

    Raises:
        ConfigError: the backbone that it begins from is not there, or does not fit.
    """
    if config.type == "act-nano":
        from loopyard.policies.nano.config import NanoConfig
        from loopyard.policies.nano.model import NanoModel

        assert isinstance(config, NanoConfig)
        return NanoModel(config)
    if config.type == "vla-nano":
        from loopyard.policies.vla_nano.config import VlaNanoConfig
        from loopyard.policies.vla_nano.model import VlaNanoModel

        assert isinstance(config, VlaNanoConfig)
        return VlaNanoModel(config)
    if config.type == "vla":
        from loopyard.policies.vla.config import VlaConfig
        from loopyard.policies.vla.model import VlaModel

        assert isinstance(config, VlaConfig)
        return VlaModel(config)
    from loopyard.policies.act.config import ACTConfig
    from loopyard.policies.act.model import ACTModel

    assert isinstance(config, ACTConfig)
    return ACTModel(config)
