"""How wrong predictions are on held-out episodes, in the unit of the actions: by channel, stratum.

The names are those of the quantity. For velocities: ``loss_velocity_act``, the mean absolute error
with the steps of a chunk weighted as in training, and ``rmse_velocity_act``, the root of the mean
squared error over all steps alike, both in m/s; ``rmse_velocity_act.linear_x`` of one channel,
``rmse_velocity_act.side=left`` of one stratum. What is no velocity is called ``action``, in its
channel's own unit. A figure of several channels is there only where they share a unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from loopyard.core.specs import Channel

VELOCITY_UNIT = "m/s"
_UNIT = re.compile(r"([0-9.]+(?:e[+-]?\d+)?)(?: x)? (.+)")

Strata = Mapping[str, str]


def scale_of(unit: str) -> tuple[float, str]:
    """(what 1 is worth, in which unit) of a channel's unit: ``1.15 m/s`` is (1.15, "m/s").

    A scaled import says ``0.5 x m/s from 0.5``; where it begins changes no difference.
    """
    factor, rest = 1.0, unit.partition(" from ")[0]
    while (found := _UNIT.fullmatch(rest)) is not None:
        factor, rest = factor * float(found[1]), found[2]
    return factor, rest


@dataclass(frozen=True)
class Errors:
    """Of B samples, summed over their steps: absolute errors weighted by step, weights, squared
    errors, steps. absolute, squared: (B, A) in the channels' units. weight, steps: (B,)."""

    absolute: np.ndarray
    weight: np.ndarray
    squared: np.ndarray
    steps: np.ndarray

    @classmethod
    def of(
        cls,
        predicted: torch.Tensor,
        target: torch.Tensor,
        is_pad: torch.Tensor,
        weights: torch.Tensor,
        channels: Sequence[Channel],
    ) -> Errors:
        """predicted, target: (B, K, A) as the world's action vector has them. is_pad: (B, K) bool,
        steps that are not there. weights: (K,)."""
        scale = torch.tensor([scale_of(channel.unit)[0] for channel in channels])
        error = (predicted - target).float().cpu().abs() * scale
        there = (~is_pad).float().cpu()
        weight = there * weights.cpu()
        sums = (error * weight[..., None]).sum(1), weight.sum(1)
        squares = (error**2 * there[..., None]).sum(1), there.sum(1)
        return cls(*(part.double().numpy() for part in (*sums, *squares)))

    @classmethod
    def joined(cls, parts: Iterable[Errors]) -> Errors:
        several = list(parts)
        names = ("absolute", "weight", "squared", "steps")
        return cls(*(np.concatenate([getattr(part, name) for part in several]) for name in names))

    def loss(self, channels: Sequence[int]) -> float:
        """Mean absolute error of these channels, steps weighted as in training."""
        total = self.weight.sum() * len(channels)
        return float(self.absolute[:, channels].sum() / max(total, 1e-9))

    def rmse(self, channels: Sequence[int], samples: np.ndarray | slice = slice(None)) -> float:
        """Root mean squared error of these channels, of these samples ((B,) bool)."""
        total = self.steps[samples].sum() * len(channels)
        return float(np.sqrt(self.squared[samples][:, channels].sum() / max(total, 1e-9)))


def figures(
    errors: Errors, channels: Sequence[Channel], strata: Sequence[Strata]
) -> dict[str, float]:
    """The module's figures by name. strata: of each sample, {} where nothing is told."""
    kinds: dict[str, list[int]] = {}
    for place, channel in enumerate(channels):
        kind = "velocity_act" if scale_of(channel.unit)[1] == VELOCITY_UNIT else "action"
        kinds.setdefault(kind, []).append(place)
    found: dict[str, float] = {}
    for kind, places in kinds.items():
        if len({scale_of(channels[place].unit)[1] for place in places}) == 1:
            found[f"loss_{kind}"] = errors.loss(places)
            found[f"rmse_{kind}"] = errors.rmse(places)
            for stratum, samples in _by_stratum(strata).items():
                found[f"rmse_{kind}.{stratum}"] = errors.rmse(places, samples)
        for place in places:
            found[f"rmse_{kind}.{channels[place].name}"] = errors.rmse([place])
    return found


def _by_stratum(strata: Sequence[Strata]) -> dict[str, np.ndarray]:
    """{"side=left": (B,) bool}, of parts that differ between samples."""
    values: dict[str, set[str]] = {}
    for told in strata:
        for part, value in told.items():
            values.setdefault(part, set()).add(value)
    return {
        f"{part}={value}": np.array([told.get(part) == value for told in strata])
        for part, several in values.items()
        if len(several) > 1
        for value in sorted(several)
    }
