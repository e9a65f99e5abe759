"""Sensors that are not exact: the pose in the state, and the camera's pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.core.seeds import stream
from loopyard.core.specs import IMAGE_PREFIX, STATE_KEY
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.spec import limits, state_vector

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.scene import Scene


class SensorNoise(Feature):
    """Gaussian and white, a function of the scene's key and the tick: the truth is not touched."""

    name = "noise"

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        return params.noise_position_m > 0 or params.noise_yaw_rad > 0 or params.noise_image > 0

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        self._key = key

    def perceive(self, observation: dict[str, Any], tick: int) -> None:
        params, rng = self.params, stream("yard-noise", *self._key, tick)
        off = rng.normal(size=3)
        state = observation[STATE_KEY].astype(np.float64)
        state[:2] += off[:2] * params.noise_position_m / params.half_m
        turn = off[2] * params.noise_yaw_rad
        if params.state == "full":
            cos, sin = state[2:4]
            state[2] = cos * math.cos(turn) - sin * math.sin(turn)
            state[3] = sin * math.cos(turn) + cos * math.sin(turn)
        else:
            state[2] = (state[2] + turn / math.pi + 1.0) % 2.0 - 1.0
        low, high = limits(state_vector(params))
        observation[STATE_KEY] = np.clip(state.astype(np.float32), low, high)
        if params.noise_image > 0:
            speckle(observation, params.noise_image, rng)


def speckle(observation: dict[str, Any], sigma: float, rng: np.random.Generator) -> None:
    """Add noise of ``sigma``, of full scale, to every picture of an observation."""
    for name, picture in observation.items():
        if name.startswith(IMAGE_PREFIX):
            grain = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(255.0 * sigma)
            observation[name] = np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)
