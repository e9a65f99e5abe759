"""Noise on what is driven, never on what is taught: DART (Laskey et al., 2017, arXiv:1703.09327).

The drive leaves the expert's path, the expert's own action at the place it came to stays the label,
and so the data shows how to come back.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class NoiseSettings(BaseModel):
    """Two kinds of disturbance of an action in [-1, 1], on every channel.

    A wander: an Ornstein-Uhlenbeck process of standard deviation ``wander`` that forgets over
    ``wander_s``. Slips: now and then, ``slips_per_s``, the action is replaced by a random one,
    held for up to ``slip_s``. Levers slip as wheels do: the data shows them in wrong places too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wander: float = Field(default=0.2, ge=0.0, le=1.0)
    wander_s: float = Field(default=0.6, gt=0.0)
    slips_per_s: float = Field(default=0.15, ge=0.0)
    slip_s: float = Field(default=0.8, gt=0.0)


class ActionNoise(Protocol):
    """What is driven instead of a clean action; keeps its own course over an episode."""

    def __call__(self, clean: np.ndarray) -> np.ndarray: ...


def no_noise(clean: np.ndarray) -> np.ndarray:
    """The clean action itself."""
    return clean


class DartNoise:
    """`NoiseSettings` as a course over one episode, drawn from ``rng``."""

    def __init__(
        self, settings: NoiseSettings, *, size: int, fps: int, rng: np.random.Generator
    ) -> None:
        self._settings, self._fps, self._rng = settings, fps, rng
        self._wander = np.zeros(size)
        self._keep = math.exp(-1.0 / (settings.wander_s * fps))
        self._slip = np.zeros(size)
        self._slipping = np.zeros(size, dtype=bool)
        self._slip_ticks = 0

    def __call__(self, clean: np.ndarray) -> np.ndarray:
        """(A,) float32 in [-1, 1]: the disturbed action of this tick."""
        kick = self._settings.wander * math.sqrt(1.0 - self._keep**2)
        draw = self._rng.normal(size=self._wander.size)
        self._wander = self._keep * self._wander + kick * draw
        if self._slip_ticks == 0 and self._rng.random() < self._settings.slips_per_s / self._fps:
            self._begin_slip()
        driven = clean + self._wander
        if self._slip_ticks > 0:
            self._slip_ticks -= 1
            driven = np.where(self._slipping, self._slip, driven)
        return np.clip(driven, -1.0, 1.0).astype(np.float32)

    def _begin_slip(self) -> None:
        self._slip_ticks = max(1, round(self._rng.random() * self._settings.slip_s * self._fps))
        self._slip = self._rng.uniform(-1.0, 1.0, size=self._slip.size)
        self._slipping = self._rng.random(size=self._slip.size) < 0.6
