"""LeRobot's side of an ACT checkpoint: its config fields, and its two processor files.

Formats as of LeRobot 0.4.4 and 0.6: see docs of ``lerobot.policies.act`` and ``lerobot.processor``.
Images there are float CHW in [0, 1]; statistics are keyed ``<feature>.<statistic>``.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from loopyard.core.errors import CheckpointError, expected
from loopyard.core.specs import ACTION_KEY, IMAGE_PREFIX, STATE_KEY
from loopyard.policies.config import PolicyConfig
from loopyard.policies.processing import (
    CONSTANT_BELOW,
    NormMode,
    Processing,
    ProcessingConfig,
)

PREFIX = "model."
"""LeRobot's ACTPolicy holds the network as ``model``."""

PREPROCESSOR, POSTPROCESSOR = "policy_preprocessor", "policy_postprocessor"
EPS = 1e-8

HOUSEKEEPING = frozenset(
    {
        "device",
        "use_amp",
        "use_peft",
        "push_to_hub",
        "repo_id",
        "private",
        "tags",
        "license",
        "pretrained_path",
        "pretrained_revision",
        "optimizer_lr",
        "optimizer_weight_decay",
        "optimizer_lr_backbone",
        "pretrained_backbone_weights",
        "compile_model",
        "compile_mode",
    }
)
"""Fields of LeRobot's configs that do not change what the network computes."""

NORMALIZER = "normalizer_processor"
HARMLESS_STEPS = ("rename_observations_processor", "to_batch_processor", "device_processor")
"""Steps of an ACT preprocessor that change no number; renaming is looked at by itself."""

_MODES: dict[str, NormMode] = {"IDENTITY": "identity", "MEAN_STD": "mean_std", "MIN_MAX": "min_max"}


def is_foreign(data: dict[str, Any], ours: Collection[str]) -> bool:
    """Whether a ``config.json`` is of a LeRobot policy that only LeRobot itself can run."""
    return data.get("type") not in ours and "normalization_mapping" in data


def known_fields(data: dict[str, Any]) -> dict[str, Any]:
    """A LeRobot ``config.json`` without the fields that do not change the network."""
    return {key: value for key, value in data.items() if key not in HOUSEKEEPING}


def config_dict(config: PolicyConfig, processing: Processing) -> dict[str, Any]:
    """Our ACT config as LeRobot reads it: without fields that only one of its versions knows."""
    data = config.model_dump(mode="json")
    return {
        **data,
        "normalization_mapping": _norm_map(processing.config),
        "device": "cpu",
        "use_amp": False,
        "push_to_hub": False,
        "repo_id": None,
        "private": None,
        "tags": None,
        "license": None,
        "pretrained_backbone_weights": None,
    }


def write_processors(folder: Path, config: PolicyConfig, processing: Processing) -> None:
    """``policy_preprocessor.json`` and ``policy_postprocessor.json`` with their statistics."""
    settings = processing.config
    inputs = {
        key: feature.model_dump(mode="json") for key, feature in config.input_features.items()
    }
    outputs = {
        key: feature.model_dump(mode="json") for key, feature in config.output_features.items()
    }
    norm_map = _norm_map(settings)
    tensors = _statistics_there(processing)
    _write(
        folder,
        PREPROCESSOR,
        [
            ("rename_observations_processor", {"rename_map": {}}, None),
            ("to_batch_processor", {}, None),
            ("device_processor", {"device": "cpu", "float_dtype": None}, None),
            (
                NORMALIZER,
                {"eps": EPS, "features": {**inputs, **outputs}, "norm_map": norm_map},
                tensors,
            ),
        ],
    )
    _write(
        folder,
        POSTPROCESSOR,
        [
            (
                "unnormalizer_processor",
                {"eps": EPS, "features": outputs, "norm_map": norm_map},
                tensors,
            ),
            ("device_processor", {"device": "cpu", "float_dtype": None}, None),
        ],
    )


def read_processing(folder: Path, config: PolicyConfig) -> Processing:
    """The processing of a LeRobot checkpoint.

    Raises:
        CheckpointError: the preprocessor is missing, has no normaliser, or renames observations.
    """
    path = folder / f"{PREPROCESSOR}.json"
    steps = _steps(path)
    for step in steps:
        if step.get("registry_name") == "rename_observations_processor" and (
            step.get("config") or {}
        ).get("rename_map"):
            raise CheckpointError(
                expected(
                    str(path),
                    "rename_map",
                    step["config"]["rename_map"],
                    "none (renamed observations are not supported)",
                )
            )
        if step.get("registry_name") not in (*HARMLESS_STEPS, NORMALIZER):
            raise CheckpointError(
                expected(
                    str(path),
                    "steps",
                    step.get("registry_name") or step.get("class"),
                    f"only {[*HARMLESS_STEPS, NORMALIZER]}",
                )
            )
    normaliser = next((step for step in steps if step.get("registry_name") == NORMALIZER), None)
    if normaliser is None or not isinstance(normaliser.get("state_file"), str):
        raise CheckpointError(
            expected(
                str(path),
                "steps",
                [s.get("registry_name") for s in steps],
                "a normalizer_processor with a state_file",
            )
        )
    name = normaliser["state_file"]
    if Path(name).name != name or not name.endswith(".safetensors"):
        raise CheckpointError(
            expected(str(path), "state_file", name, "a .safetensors file of this folder")
        )
    norm_map = (normaliser.get("config") or {}).get("norm_map") or {}
    settings = ProcessingConfig(
        cameras=tuple(config.cameras),
        image_size=config.image_size,
        state_names=tuple(f"state_{i}" for i in range(config.state_size)),
        action_names=tuple(f"action_{i}" for i in range(config.action_size)),
        image_mode=_mode(path, norm_map, "VISUAL"),
        state_mode=_mode(path, norm_map, "STATE"),
        action_mode=_mode(path, norm_map, "ACTION"),
    )
    return Processing.from_tensors(settings, _statistics(folder / name), str(folder / name))


def _statistics_there(processing: Processing) -> dict[str, torch.Tensor]:
    """Statistics with which LeRobot's normaliser scales as `Processing` does.

    A channel that never changed in training is only centred here; there it would be divided by
    its spread, that is by 1e-8. So it gets a spread of one. Image statistics are (3, 1, 1).
    """
    tensors: dict[str, torch.Tensor] = {}
    for key, part in processing.statistics.items():
        values = dict(part)
        if "std" in values:
            values["std"] = np.where(values["std"] < CONSTANT_BELOW, 1, values["std"])
        if "min" in values and "max" in values:
            low, high = values["min"], values["max"]
            flat = high - low < CONSTANT_BELOW
            middle = (low + high) / 2
            values["min"] = np.where(flat, middle - 1, low)
            values["max"] = np.where(flat, middle + 1, high)
        shape = (3, 1, 1) if key.startswith(IMAGE_PREFIX) else (-1,)
        for name, numbers in values.items():
            whole = np.ascontiguousarray(numbers, np.float32).reshape(shape)
            tensors[f"{key}.{name}"] = torch.from_numpy(whole)
    return tensors


def _norm_map(settings: ProcessingConfig) -> dict[str, str]:
    return {
        "VISUAL": settings.image_mode.upper(),
        "STATE": settings.state_mode.upper(),
        "ACTION": settings.action_mode.upper(),
    }


def _write(
    folder: Path, name: str, steps: list[tuple[str, dict[str, Any], dict[str, torch.Tensor] | None]]
) -> None:
    rows: list[dict[str, Any]] = []
    for index, (registry_name, config, tensors) in enumerate(steps):
        row: dict[str, Any] = {"registry_name": registry_name, "config": config}
        if tensors is not None:
            row["state_file"] = f"{name}_step_{index}_{registry_name}.safetensors"
            save_file(
                {key: values.contiguous() for key, values in tensors.items()},
                folder / row["state_file"],
            )
        rows.append(row)
    (folder / f"{name}.json").write_text(json.dumps({"name": name, "steps": rows}, indent=2) + "\n")


def _steps(path: Path) -> list[dict[str, Any]]:
    try:
        steps = json.loads(path.read_text())["steps"]
    except FileNotFoundError:
        raise CheckpointError(
            expected(str(path), "file", "nothing", "processing.json or LeRobot's preprocessor")
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(expected(str(path), "steps", str(error), "a list of steps")) from None
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise CheckpointError(
            expected(str(path), "steps", type(steps).__name__, "a list of objects")
        )
    return steps


def _mode(path: Path, norm_map: dict[str, Any], kind: str) -> NormMode:
    found = str(norm_map.get(kind, "IDENTITY"))
    if found not in _MODES:
        raise CheckpointError(
            expected(str(path), f"norm_map.{kind}", found, f"one of {list(_MODES)}")
        )
    return _MODES[found]


def _statistics(path: Path) -> dict[str, torch.Tensor]:
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            expected(str(path), "file", str(error), "a whole safetensors file")
        ) from None
    wanted = (IMAGE_PREFIX, STATE_KEY, ACTION_KEY)
    return {key: values.float() for key, values in tensors.items() if key.startswith(wanted)}
