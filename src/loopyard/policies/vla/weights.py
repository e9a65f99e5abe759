"""Where a backbone comes from: random weights that can be drawn again, a folder, or the hub.

Nothing is fetched unless the settings say ``download``. A checkpoint keeps no frozen backbone but
its `fingerprint`, so that adapters never meet another one than they learned in.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from loopyard.core.errors import ConfigError, expected
from loopyard.policies.vla.backbones import BACKBONES
from loopyard.policies.vla.config import Marks, VlaConfig

SAMPLED = 1024
"""Values of each weight that a fingerprint looks at: another training changes all of them."""


@dataclass(frozen=True)
class Base:
    """A backbone as it is before anything learns in it."""

    model: nn.Module
    marks: Marks


def make_base(config: VlaConfig) -> Base:
    """The backbone that a config names, its weights frozen in ``base_dtype``.

    Random weights are drawn from ``weights_seed`` alone; torch's generator is left as it was.

    Raises:
        ConfigError: transformers or the weights are not there, or do not fit.
    """
    backbone = BACKBONES[config.backbone]
    try:
        own_config, network = backbone.classes()
        import peft  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            expected("policy vla", "package", str(error), "pip install 'loopyard[vla]'")
        ) from None
    if config.weights is None:
        shape = (
            own_config.from_dict(config.architecture)
            if config.size is None
            else backbone.architecture(config.size, max(config.image_size))
        )
        backbone.check(shape, config.image_size, trained=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.weights_seed)
            model = network(shape)
        marks = config.marks or backbone.own_marks
    else:
        model = _pretrained(config, network)
        backbone.check(model.config, config.image_size, trained=True)
        marks = backbone.marks(_token_numbers(config))
    return Base(model.to(getattr(torch, config.base_dtype)).requires_grad_(False), marks)


def fingerprint(model: nn.Module) -> bytes:
    """32 bytes that name the weights: names, shapes, and up to `SAMPLED` values of each."""
    content = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        flat = values.detach().reshape(-1)
        some = flat[:: max(1, len(flat) // SAMPLED)][:SAMPLED].float().cpu().numpy()
        content.update(f"{name} {tuple(values.shape)}".encode() + some.tobytes())
    return content.digest()


def own_inputs(config: VlaConfig) -> tuple[str, dict[str, np.ndarray]] | None:
    """What trained weights were trained with: the text of their tokenizer.json, and their colours
    as a processing's statistics. None for random ones, which have none.

    Raises:
        ConfigError: a file of theirs is missing or damaged.
    """
    if config.weights is None:
        return None
    facts = _json_file(config, "preprocessor_config.json")
    try:
        mean, std = (np.array(facts[key], np.float32) for key in ("image_mean", "image_std"))
    except (KeyError, TypeError, ValueError) as error:
        where = f"{config.weights}/preprocessor_config.json"
        raise ConfigError(expected(where, "image_mean", str(error), "three numbers")) from None
    colours = {"mean": mean, "std": std, "min": np.zeros(3), "max": np.ones(3)}
    return _file(config, "tokenizer.json").read_text("utf-8"), colours


def _pretrained(config: VlaConfig, network: Any) -> Any:
    from transformers.utils import logging

    _file(config, "config.json")
    told = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what is missing is an error of ours, what is left over is not
    try:
        model, report = network.from_pretrained(
            config.weights,
            local_files_only=not config.download,
            use_safetensors=True,
            output_loading_info=True,
        )
    except Exception as error:  # whatever the hub, safetensors and transformers raise
        raise _no_weights(config, error) from None
    finally:
        logging.enable_progress_bar()
        logging.set_verbosity(told)
    missing = sorted(report["missing_keys"])
    if missing:  # they would stay random
        found = f"{len(missing)} weights missing {missing[:3]}"
        wanted = f"those of {network.__name__}"
        raise ConfigError(expected(str(config.weights), "weights", found, wanted))
    return model.eval()


def _token_numbers(config: VlaConfig) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(_file(config, "tokenizer.json").read_text("utf-8"))

    def number(token: str) -> int:
        found = tokenizer.token_to_id(token)
        if found is None:
            where = f"{config.weights}/tokenizer.json"
            raise ConfigError(expected(where, "token", None, f"{token}, as {config.backbone} has"))
        return found

    return number


def _json_file(config: VlaConfig, name: str) -> dict[str, Any]:
    try:
        return dict(json.loads(_file(config, name).read_text("utf-8")))
    except (ValueError, TypeError) as error:
        where = f"{config.weights}/{name}"
        raise ConfigError(expected(where, "file", str(error), "a JSON object")) from None


def _file(config: VlaConfig, name: str) -> Path:
    """A file of the weights: in their folder, in the hub's cache, or fetched where asked."""
    assert config.weights is not None
    folder = Path(config.weights)
    if folder.is_dir():
        if not (folder / name).is_file():
            raise ConfigError(
                expected(str(folder), name, "nothing", f"a file of {config.backbone}")
            )
        return folder / name
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(config.weights, name, local_files_only=not config.download))
    except Exception as error:  # no such folder, no such name, not in the cache, no network
        raise _no_weights(config, error) from None


def _no_weights(config: VlaConfig, error: Exception) -> ConfigError:
    first = str(error).strip().partition("\n")[0]
    asked = (
        "a name that the hub knows, and a way to it"
        if config.download
        else "a folder with the backbone's weights, or a hub name whose files were fetched before; "
        "policy_options.download true fetches them"
    )
    return ConfigError(
        expected("policy", "weights", config.weights, f"{asked} ({type(error).__name__}: {first})")
    )
