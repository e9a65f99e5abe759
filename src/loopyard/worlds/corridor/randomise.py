"""What the corridor can draw anew in each scene."""

from __future__ import annotations

from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.worlds.randomisation import Parameter, Value, draw

TABLE = (
    Parameter("box_colour", "visual", 1.0, 0.7, 1.3, size=3),
    Parameter("floor_colour", "visual", 1.0, 0.75, 1.2, size=3),
    Parameter("wall_colour", "visual", 1.0, 0.75, 1.2, size=3),
    Parameter("ambient", "visual", 1.0, 0.6, 1.2),
    Parameter("light_azimuth_deg", "visual", 0.0, -180.0, 180.0),
    Parameter("fov_deg", "visual", 0.0, -4.0, 4.0),
    Parameter("camera_m", "visual", 0.0, -0.02, 0.02, size=3),
    Parameter("image_noise", "visual", 0.0, 0.0, 0.02),
    Parameter("speed_gain", "physical", 1.0, 0.9, 1.1),
)
"""Colours are factors of red, green and blue; ambient of the light from all round; image_noise is a
sigma, of full scale; speed_gain what the base makes of a velocity that it is sent."""


def drawn_for(scenario: Scenario, key: tuple[str, int]) -> dict[str, Value]:
    """The values of one scene; {} for a scenario without randomisation.

    Raises:
        ConfigError: the randomisation names what the corridor does not have.
    """
    if scenario.randomise is None:
        return {}
    return draw(scenario.randomise, TABLE, stream("corridor-randomise", *key))
