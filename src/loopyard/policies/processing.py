"""The one path from a world's numbers to a network's, and back.

Training and inference hold the same object; it is saved inside the checkpoint, and its digest names
it in reports. Nothing else in the project scales, normalises, resizes or reorders channels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from loopyard.core.errors import CheckpointError, expected
from loopyard.core.specs import ACTION_KEY, IMAGE_PREFIX, STATE_KEY
from loopyard.data.pixel_rows import rows_of
from loopyard.data.scaling import scaled
from loopyard.data.stats import ImageHistogram
from loopyard.policies.words import Tokens, Words

Statistics = Mapping[str, Mapping[str, np.ndarray]]
"""{feature: {"mean": ..., "std": ..., "min": ..., "max": ...}}; images per channel, in [0, 1]."""

NormMode = Literal["identity", "mean_std", "min_max"]
Masked = Literal["image", "text"]
MOMENTS = ("mean", "std", "min", "max")
_NEEDED: dict[NormMode, tuple[str, str]] = {"mean_std": ("mean", "std"), "min_max": ("min", "max")}
CONSTANT_BELOW = 1e-6
"""A channel whose spread is under this is constant: dividing by it would only enlarge noise."""
EPS = 1e-8
"""Added to every divisor, as LeRobot's normaliser does, so that both give the same numbers."""


class ProcessingConfig(BaseModel):
    """How numbers are scaled and words numbered. Saved as ``processing.json``.

    image_size: (height, width) that the network takes. constant_channels: what a channel that never
    changes in the training split is: an error, or only centred (divided by one). vocabulary: words
    of the training split's instructions, for a network that reads them. masked: inputs that are
    hidden, in training and ever after: every picture is the mean one, every instruction empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cameras: tuple[str, ...]
    image_size: tuple[int, int]
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    image_mode: NormMode = "mean_std"
    state_mode: NormMode = "mean_std"
    action_mode: NormMode = "mean_std"
    constant_channels: Literal["error", "center"] = "error"
    vocabulary: tuple[str, ...] = ()
    masked: tuple[Masked, ...] = ()


class Processing:
    """Scaling, normalisation, resizing and channel order of one policy.

    tokenizer: the text of a backbone's ``tokenizer.json``, which then numbers the words.

    Raises (when made):
        CheckpointError: a statistic that is missing, not finite, of the wrong shape, or constant.
    """

    def __init__(
        self,
        config: ProcessingConfig,
        statistics: Statistics,
        where: str = "statistics",
        tokenizer: str = "",
    ):
        self.config = config
        self.tokenizer = tokenizer
        self.words = Tokens(tokenizer) if tokenizer else Words(config.vocabulary)
        self.statistics = {
            key: {
                name: np.asarray(value, np.float32).reshape(-1)
                for name, value in statistics.get(key, {}).items()
                if name in ("mean", "std", "min", "max")
            }
            for key in self._keys()
        }
        self._scales: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        for key, mode, names in self._parts():
            self._scales[key] = (
                self._scale(where, key, mode, names) if names else (torch.zeros(0), torch.ones(0))
            )

    def images(self, camera: str, images: torch.Tensor) -> torch.Tensor:
        """(B, H, W, 3) uint8 -> (B, 3, h, w) float32 normalised, channels last in memory."""
        return self.normalise_pixels(camera, self.pixels(images))

    def pixels(self, images: torch.Tensor) -> torch.Tensor:
        """The first half of `images`: scaled to the network's size, (B, 3, h, w) in [0, 1].

        Training varies colours between the two halves; nothing else may come between.
        """
        planes = scaled(images, self.config.image_size).permute(0, 3, 1, 2)
        return planes.to(torch.float32).mul_(1.0 / 255.0)

    def normalise_pixels(self, camera: str, pixels: torch.Tensor) -> torch.Tensor:
        """The second half of `images`. Works in place."""
        if "image" in self.config.masked:
            return pixels.zero_()
        offset, scale = self._scales[IMAGE_PREFIX + camera]
        rows, offsets, factors = rows_of(
            pixels, offset.view(1, -1, 1, 1), (1.0 / scale).view(1, -1, 1, 1)
        )
        rows.sub_(offsets).mul_(factors)
        return pixels

    def text(self, tasks: Sequence[str]) -> torch.Tensor:
        """(B, L) int64 numbers of the words of B instructions."""
        hidden = "text" in self.config.masked
        numbers = [self.words.numbers("" if hidden else task) for task in tasks]
        return torch.from_numpy(np.stack(numbers))

    def state(self, state: torch.Tensor) -> torch.Tensor:
        """(B, S) float32 in the world's units -> normalised."""
        return self._forward(STATE_KEY, state)

    def normalise_action(self, action: torch.Tensor) -> torch.Tensor:
        """(..., A) float32 in [-1, 1] -> normalised."""
        return self._forward(ACTION_KEY, action)

    def denormalise_action(self, action: torch.Tensor) -> torch.Tensor:
        """Exact inverse of `normalise_action`, up to rounding. Not clipped."""
        offset, scale = self._scales[ACTION_KEY]
        return action * scale + offset

    @property
    def digest(self) -> str:
        """16 hex digits over config and statistics: equal digests scale equally."""
        content = hashlib.sha256(json.dumps(self.config.model_dump(), sort_keys=True).encode())
        content.update(self.tokenizer.encode())
        for name, values in sorted(self.tensors().items()):
            content.update(name.encode() + values.numpy().tobytes())
        return content.hexdigest()[:16]

    def tensors(self) -> dict[str, torch.Tensor]:
        """Statistics as flat tensors ``<feature>.<statistic>``, for safetensors."""
        return {
            f"{key}.{name}": torch.from_numpy(values.copy())
            for key, part in self.statistics.items()
            for name, values in part.items()
        }

    @classmethod
    def from_tensors(
        cls,
        config: ProcessingConfig,
        tensors: Mapping[str, torch.Tensor],
        where: str,
        tokenizer: str = "",
    ) -> Processing:
        """Inverse of `tensors`."""
        statistics: dict[str, dict[str, np.ndarray]] = {}
        for key, values in tensors.items():
            feature, _, name = key.rpartition(".")
            statistics.setdefault(feature, {})[name] = values.numpy()
        return cls(config, statistics, where, tokenizer)

    def _forward(self, key: str, values: torch.Tensor) -> torch.Tensor:
        offset, scale = self._scales[key]
        return (values - offset) / scale

    def _keys(self) -> list[str]:
        return [key for key, _, _ in self._parts()]

    def _parts(self) -> list[tuple[str, NormMode, tuple[str, ...]]]:
        config = self.config
        parts: list[tuple[str, NormMode, tuple[str, ...]]] = [
            (IMAGE_PREFIX + camera, config.image_mode, ("red", "green", "blue"))
            for camera in config.cameras
        ]
        return [
            *parts,
            (STATE_KEY, config.state_mode, config.state_names),
            (ACTION_KEY, config.action_mode, config.action_names),
        ]

    def _scale(
        self, where: str, key: str, mode: NormMode, names: tuple[str, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        size = len(names)
        if mode == "identity":
            return torch.zeros(size), torch.ones(size)
        first, second = (self._statistic(where, key, name, size) for name in _NEEDED[mode])
        spread = second if mode == "mean_std" else second - first
        constant = spread < CONSTANT_BELOW
        if constant.any() and self.config.constant_channels == "error":
            channels = [name for name, flat in zip(names, constant, strict=True) if flat]
            raise CheckpointError(
                expected(
                    where,
                    key,
                    f"constant channels {channels}",
                    "channels that change in the training split (constant_channels='center' only "
                    "centres them)",
                )
            )
        if mode == "min_max":
            offset, scale = (first + second) / 2, (second - first) / 2
        else:
            offset, scale = first, second
        scale = np.where(constant, 1.0, scale + EPS).astype(np.float32)
        return torch.from_numpy(offset.astype(np.float32)), torch.from_numpy(scale)

    def _statistic(self, where: str, key: str, name: str, size: int) -> np.ndarray:
        values = self.statistics[key].get(name)
        if values is None:
            raise CheckpointError(expected(where, f"{key}.{name}", "nothing", f"{size} numbers"))
        if values.shape != (size,):
            raise CheckpointError(
                expected(where, f"{key}.{name}", values.shape, f"shape ({size},)")
            )
        if not np.isfinite(values).all():
            raise CheckpointError(expected(where, f"{key}.{name}", values, "finite numbers"))
        return values.astype(np.float64)


def statistics_of(
    images: Mapping[str, np.ndarray], state: np.ndarray, action: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Statistics of a training split.

    images: {camera: (N, H, W, 3) uint8}, a sample of the split is enough. state: (N, S).
    action: (N, A). Sums are taken in float64.
    """
    found = {IMAGE_PREFIX + camera: _colours(values) for camera, values in images.items()}
    found[STATE_KEY] = _moments(state)
    found[ACTION_KEY] = _moments(action)
    return found


def _moments(values: np.ndarray) -> dict[str, np.ndarray]:
    values = values.astype(np.float64)
    return {name: getattr(values, name)(0) for name in MOMENTS}


def _colours(images: np.ndarray) -> dict[str, np.ndarray]:
    """Of each colour's levels in [0, 1], from how often each of the 256 is there."""
    histogram = ImageHistogram()
    histogram.count(images)
    stats = histogram.stats()
    return {name: stats[name].reshape(3) for name in MOMENTS}


def processing_from_dict(data: dict[str, Any], where: str) -> ProcessingConfig:
    """A `ProcessingConfig` from its JSON. Raises CheckpointError naming file and field."""
    from loopyard.core.errors import ConfigError
    from loopyard.policies.config import validated

    try:
        return validated(ProcessingConfig, where, data)
    except ConfigError as error:
        raise CheckpointError(str(error)) from None
