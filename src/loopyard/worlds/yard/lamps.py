"""The yard's light, as it can be changed while the model lives.

There is a sun, and MuJoCo's headlight, which goes with the camera and throws no shadow: it stands
for the light from all round. Levels are shares of what the model was built with.
"""

from __future__ import annotations

import math

import mujoco
import numpy as np

SUN = "sun"
SUN_AWAY_M = 8.0
"""A directional light has no place, but its shadow map does."""


class Lamps:
    """The light a model was built with, and ways to change it and to set it back."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._sun = model.light(SUN).id
        self._sun_diffuse = model.light_diffuse[self._sun].copy()
        self._sun_specular = model.light_specular[self._sun].copy()
        self._sun_dir = model.light_dir[self._sun].copy()
        self._sun_pos = model.light_pos[self._sun].copy()
        self._round_ambient = model.vis.headlight.ambient.copy()
        self._round_diffuse = model.vis.headlight.diffuse.copy()

    def shine(
        self,
        model: mujoco.MjModel,
        *,
        sun: float = 1.0,
        ambient: float = 1.0,
        diffuse: float | None = None,
    ) -> None:
        """sun: of the directional light. ambient: of what comes from all round; diffuse: of that
        part of it which shows the shape of things, by default as much."""
        model.light_diffuse[self._sun] = self._sun_diffuse * sun
        model.light_specular[self._sun] = self._sun_specular * sun
        model.vis.headlight.ambient[:] = self._round_ambient * ambient
        model.vis.headlight.diffuse[:] = self._round_diffuse * (
            ambient if diffuse is None else diffuse
        )

    def stand(self, model: mujoco.MjModel, azimuth_deg: float, elevation_deg: float) -> None:
        """Where the sun stands: azimuth counter-clockwise from x, elevation over the floor."""
        azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
        towards = np.array(
            [
                math.cos(azimuth) * math.cos(elevation),
                math.sin(azimuth) * math.cos(elevation),
                math.sin(elevation),
            ]
        )
        model.light_dir[self._sun] = -towards
        model.light_pos[self._sun] = towards * SUN_AWAY_M

    def reset(self, model: mujoco.MjModel) -> None:
        """As the model was built."""
        self.shine(model)
        model.light_dir[self._sun] = self._sun_dir
        model.light_pos[self._sun] = self._sun_pos

    @property
    def azimuth_deg(self) -> float:
        """Of the sun as built, 0 to 360."""
        return math.degrees(math.atan2(-self._sun_dir[1], -self._sun_dir[0])) % 360.0

    @property
    def elevation_deg(self) -> float:
        """Of the sun as built."""
        return math.degrees(math.asin(-self._sun_dir[2]))
