"""What a policy of LeRobot's looks at, by a world's observation keys: checked before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loopyard.core.errors import CheckpointError, expected
from loopyard.core.specs import ACTION_KEY, IMAGE_PREFIX, STATE_KEY, TASK_KEY
from loopyard.policies.lerobot import POSTPROCESSOR, PREPROCESSOR
from loopyard.policies.policy import Observation

RENAME = "rename_observations_processor"
EMPTY_CAMERA = f"{IMAGE_PREFIX}empty_camera_"
"""A place for a camera that some robots have; the policy fills it itself."""


@dataclass(frozen=True)
class Inputs:
    """cameras: {observation key: (height, width)}. state_size: 0 where it does not look at it."""

    where: str
    cameras: dict[str, tuple[int, int]]
    state_size: int
    action_size: int

    def batch(self, obs: Observation) -> dict[str, Any]:
        """One observation as LeRobot's processors take it: (1, 3, H, W) in [0, 1], (1, S), task.

        Raises:
            CheckpointError: a camera is missing, or a picture or the state has another shape.
        """
        batch: dict[str, Any] = {TASK_KEY: [str(obs.get(TASK_KEY, ""))]}
        for key, size in self.cameras.items():
            image = obs.get(key)
            wanted = f"({size[0]}, {size[1]}, 3) uint8"
            if image is None:
                raise CheckpointError(expected(self.where, key, sorted(obs), "this camera too"))
            if image.shape != (*size, 3) or image.dtype != np.uint8:
                found = f"{image.shape} {image.dtype}"
                raise CheckpointError(expected(self.where, key, found, wanted))
            planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
            batch[key] = planes[None].float().div_(255.0)
        if self.state_size:
            state = np.asarray(obs.get(STATE_KEY, ()), np.float32)
            if state.shape != (self.state_size,):
                wanted = f"shape ({self.state_size},)"
                raise CheckpointError(expected(self.where, STATE_KEY, state.shape, wanted))
            batch[STATE_KEY] = torch.from_numpy(state.copy())[None]
        return batch

    def blank(self) -> Observation:
        """An observation of zeros."""
        images = {key: np.zeros((*size, 3), np.uint8) for key, size in self.cameras.items()}
        return {**images, STATE_KEY: np.zeros(self.state_size, np.float32), TASK_KEY: ""}


def read_inputs(folder: Path) -> Inputs:
    """From ``config.json`` and the processor files.

    Raises:
        CheckpointError: a file is missing or malformed, a processor step is not one of LeRobot's
            registered ones, or an input is not a camera or the state of a world.
    """
    path = folder / "config.json"
    config = _object(path)
    raw_key = {there: here for here, there in _renamed(folder).items()}
    _check_steps(folder / f"{POSTPROCESSOR}.json")
    cameras: dict[str, tuple[int, int]] = {}
    state_size = 0
    for key, feature in _features(path, config, "input_features").items():
        if key.startswith(EMPTY_CAMERA):
            continue
        kind, shape = feature
        key = raw_key.get(key, key)
        if kind == "VISUAL" and key.startswith(IMAGE_PREFIX) and len(shape) == 3 and shape[0] == 3:
            cameras[key] = (shape[1], shape[2])
        elif kind == "STATE" and key == STATE_KEY and len(shape) == 1:
            state_size = shape[0]
        else:
            raise CheckpointError(
                expected(
                    str(path),
                    f"input_features.{key}",
                    f"{kind} {shape}",
                    f"{IMAGE_PREFIX}<camera> of (3, height, width), or {STATE_KEY}; other names "
                    f"can be mapped by rename_map in {PREPROCESSOR}.json",
                )
            )
    action = _features(path, config, "output_features").get(ACTION_KEY)
    if action is None or len(action[1]) != 1:
        raise CheckpointError(expected(str(path), "output_features", action, f"{ACTION_KEY} (A,)"))
    return Inputs(str(folder), cameras, state_size, action[1][0])


def _features(path: Path, config: dict[str, Any], name: str) -> dict[str, tuple[str, list[int]]]:
    features = config.get(name)
    try:
        return {
            str(key): (str(one["type"]), [int(side) for side in one["shape"]])
            for key, one in (features or {}).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CheckpointError(expected(str(path), name, features, "{key: {type, shape}}")) from None


def _renamed(folder: Path) -> dict[str, str]:
    """{a world's key: the policy's}."""
    names: dict[str, str] = {}
    for step in _check_steps(folder / f"{PREPROCESSOR}.json"):
        if step["registry_name"] == RENAME:
            names |= (step.get("config") or {}).get("rename_map") or {}
    return names


def _check_steps(path: Path) -> list[dict[str, Any]]:
    """The steps; only LeRobot's registered ones, because others name any class to import."""
    steps = _object(path).get("steps")
    if not isinstance(steps, list):
        raise CheckpointError(expected(str(path), "steps", type(steps).__name__, "a list"))
    for step in steps:
        if not isinstance(step, dict) or not isinstance(step.get("registry_name"), str):
            raise CheckpointError(
                expected(str(path), "steps", step, "steps by their registry_name alone")
            )
        state = step.get("state_file", "a.safetensors")
        if Path(str(state)).name != state or not state.endswith(".safetensors"):
            raise CheckpointError(
                expected(str(path), "state_file", state, "a .safetensors file of this folder")
            )
    return steps


def _object(path: Path) -> dict[str, Any]:
    from loopyard.policies.checkpoint import read_json

    return read_json(path)
