"""Checkpoints: a folder that holds all a policy needs, and that is either whole or not there.

    config.json             the network: type and sizes (LeRobot's field names where it is ``act``)
    model.safetensors       its weights
    processing.json         how numbers are scaled; processing.safetensors: by which statistics
    tokenizer.json          how words become numbers, where a backbone has a tokenizer of its own
    training.json           facts: world spec, dataset digests, audit, split, steps, settings
    manifest.json           every file with its sha256

A checkpoint of type ``act`` has LeRobot's processor files besides (see `lerobot`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from loopyard.core.errors import CheckpointError, ConfigError, expected
from loopyard.core.specs import WorldSpec
from loopyard.policies import lerobot
from loopyard.policies.baselines import RandomPolicy, ZeroPolicy
from loopyard.policies.catalogue import TYPES, make_config, make_model
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.config import PolicyConfig
from loopyard.policies.policy import Policy
from loopyard.policies.processing import Processing, processing_from_dict
from loopyard.store.atomic import staged_folder

CONFIG, WEIGHTS = "config.json", "model.safetensors"
PROCESSING, STATISTICS = "processing.json", "processing.safetensors"
TOKENIZER = "tokenizer.json"
TRAINING = "training.json"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder holds. facts: its training.json, {} for a foreign one."""

    path: Path
    config: PolicyConfig
    weights: dict[str, torch.Tensor]
    processing: Processing
    facts: dict[str, Any]

    @property
    def spec(self) -> WorldSpec | None:
        """The world it was trained on, where it says so."""
        data = self.facts.get("world_spec")
        return None if data is None else WorldSpec.from_dict(data)

    def model(self) -> nn.Module:
        """The network with these weights.

        Raises:
            CheckpointError: a weight is missing, too many, or of another shape; the backbone that
                it was trained in is not there, or is another.
        """
        try:
            model = make_model(self.config)
        except ConfigError as error:
            raise CheckpointError(f"{self.path / CONFIG}: {error}") from None
        load_weights(model, self.weights, str(self.path / WEIGHTS))
        return model


def save_checkpoint(
    folder: Path,
    *,
    config: PolicyConfig,
    weights: Mapping[str, torch.Tensor],
    processing: Processing,
    facts: dict[str, Any],
    write_more: Callable[[Path], None] | None = None,
) -> Path:
    """Write a checkpoint folder, whole or not at all. ``write_more(staging)`` may add files.

    Raises:
        NoSpaceError: the disk is full; what stood there before still stands.
    """
    prefix = lerobot.PREFIX if config.type == "act" else ""
    with staged_folder(folder) as staging:
        _write_json(
            staging / CONFIG,
            lerobot.config_dict(config, processing)
            if config.type == "act"
            else config.model_dump(mode="json"),
        )
        save_file(
            {
                prefix + name: values.detach().contiguous().clone()
                for name, values in weights.items()
            },
            staging / WEIGHTS,
        )
        _write_json(staging / PROCESSING, processing.config.model_dump(mode="json"))
        save_file(processing.tensors(), staging / STATISTICS)
        if processing.tokenizer:
            (staging / TOKENIZER).write_text(processing.tokenizer, "utf-8")
        _write_json(staging / TRAINING, facts)
        if config.type == "act":
            lerobot.write_processors(staging, config, processing)
        if write_more is not None:
            write_more(staging)
        _require_whole(staging)
    return folder


def _require_whole(staging: Path) -> None:
    """What a checkpoint's files say of their lengths is so: only then may the older one go."""
    for path in staging.glob("*.safetensors"):
        try:
            with safe_open(path, "pt"):
                pass
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                expected(str(path), "file", str(error), "a whole safetensors file")
            ) from None


def checkpoint_folder(path: str | Path) -> Path:
    """The checkpoint at ``path``, which may also be the folder that training wrote into.

    Of such a folder it is ``last``: the averaged weights of the whole training.

    Raises:
        CheckpointError: there is no such folder.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise CheckpointError(expected(str(folder), "folder", "nothing", "a checkpoint folder"))
    trained = folder / "last"
    return trained if not (folder / CONFIG).exists() and (trained / CONFIG).exists() else folder


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint folder, ours or LeRobot's.

    Raises:
        CheckpointError: the folder or a file is missing, damaged, or not a policy we know.
    """
    folder = checkpoint_folder(folder)
    data = read_json(folder / CONFIG)
    try:
        kind = str(data.get("type"))
        data = lerobot.known_fields(data) if kind == "act" else data
        config = make_config(kind, str(folder / CONFIG), data)
    except ConfigError as error:
        raise CheckpointError(str(error)) from None
    prefix = lerobot.PREFIX if config.type == "act" else ""
    weights = {
        name.removeprefix(prefix): values for name, values in read_tensors(folder / WEIGHTS).items()
    }
    if (folder / PROCESSING).exists():
        processing = Processing.from_tensors(
            processing_from_dict(read_json(folder / PROCESSING), str(folder / PROCESSING)),
            read_tensors(folder / STATISTICS),
            str(folder / STATISTICS),
            (folder / TOKENIZER).read_text("utf-8") if (folder / TOKENIZER).exists() else "",
        )
    else:
        processing = lerobot.read_processing(folder, config)
    facts = read_json(folder / TRAINING) if (folder / TRAINING).exists() else {}
    return Checkpoint(folder, config, weights, processing, facts)


def load_policy(
    path: str | Path,
    *,
    n_action_steps: int | None = None,
    temporal_ensemble: float | None = None,
) -> Policy:
    """A policy from a checkpoint folder, or the baselines ``zero`` and ``random``.

    Any policy of LeRobot's but its ACT is run by LeRobot, which must be installed for it.

    n_action_steps: how many actions of a chunk are executed; None is what the checkpoint says.

    Raises:
        CheckpointError: the checkpoint is missing, damaged or incomplete.
        ConfigError: n_action_steps is more than the chunk holds.
    """
    if str(path) == "zero":
        return ZeroPolicy()
    if str(path) == "random":
        return RandomPolicy()
    folder = checkpoint_folder(path)
    if lerobot.is_foreign(read_json(folder / CONFIG), TYPES):
        from loopyard.policies.lerobot_adapter import load_lerobot_policy

        return load_lerobot_policy(
            folder, n_action_steps=n_action_steps, temporal_ensemble=temporal_ensemble
        )
    checkpoint = load_checkpoint(folder)
    if temporal_ensemble is None:
        temporal_ensemble = getattr(checkpoint.config, "temporal_ensemble_coeff", None)
    return ChunkedPolicy(
        checkpoint.model(),
        checkpoint.processing,
        n_action_steps=n_action_steps,
        temporal_ensemble=temporal_ensemble,
        spec=checkpoint.spec,
        path=checkpoint.path,
    )


def load_weights(model: nn.Module, weights: Mapping[str, torch.Tensor], where: str) -> None:
    """Strictly: every weight there, none too many, each of the right shape."""
    own = model.state_dict()
    missing, extra = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    if missing or extra:
        raise CheckpointError(
            expected(
                where,
                "weights",
                f"{len(missing)} missing {missing[:3]}, {len(extra)} unknown {extra[:3]}",
                f"the {len(own)} weights of the network",
            )
        )
    for name, values in own.items():
        if weights[name].shape != values.shape:
            raise CheckpointError(
                expected(where, name, tuple(weights[name].shape), f"shape {tuple(values.shape)}")
            )
    model.load_state_dict(dict(weights))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a checkpoint. Raises CheckpointError naming the file."""
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise CheckpointError(expected(str(path), "file", "nothing", "a JSON file")) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(expected(str(path), "file", str(error), "a JSON object")) from None
    if not isinstance(data, dict):
        raise CheckpointError(expected(str(path), "file", type(data).__name__, "a JSON object"))
    return data


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file. Raises CheckpointError naming the file."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(
            expected(str(path), "file", "nothing", "a safetensors file")
        ) from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            expected(str(path), "file", str(error), "a whole safetensors file")
        ) from None


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n")
