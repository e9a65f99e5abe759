"""What the yard draws anew in each scene under domain randomisation, and how widely."""

from __future__ import annotations

from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.worlds.randomisation import Parameter, Value, draw, most
from loopyard.worlds.yard.friction import FLOOR_FRICTION
from loopyard.worlds.yard.params import YardParams, yard_params
from loopyard.worlds.yard.scene import CORNERS

FLOORS = ("wood", "tile", "concrete", "carpet", "laminate")
COUNT_SHARE = 0.3
DISTRACTORS = 5
SUN_AZIMUTH_DEG, SUN_ELEVATION_DEG = 233.130102, 60.113473
"""Where the sun stands by itself."""
DAMPING = 0.5
"""The middle of the predecessor's range stands for the joints as they are built."""

_DEFAULTS = {name: field.default for name, field in YardParams.model_fields.items()}
_LIGHT = ("ambient", "light_azimuth_deg", "light_elevation_deg", "shadow_softness")
_SETTLES: dict[str, tuple[str, ...]] = {
    "light": _LIGHT,
    "reflective": ("floor",),
    "brick_colours": ("brick_colour", "floor"),
    "brick_places": ("bricks",),
    "brick_sizes": ("bricks", "brick_mass"),
    "stuck_bricks": ("bricks",),
    "bricks_behind_door": ("bricks",),
    "box_fill": ("bricks",),
    "fragile": ("bricks",),
    "distractors": ("distractors",),
    "layout": ("bricks", "box_corner"),
    "terrain": ("bricks", "box_corner"),
    "hazard": ("box_corner",),
    "floor_friction": ("floor_friction",),
    "bucket_friction": ("bucket_friction",),
    "noise_image": ("image_noise",),
}
"""A parameter of the yard that a scenario sets settles these: what a failure mode is about must not
be drawn away, and what is built for one place stays there."""


def yard_table(params: YardParams) -> tuple[Parameter, ...]:
    """What a scenario's scenes draw: the whole table but for what the scenario settles itself."""
    settled = _settled(params)
    return tuple(part for part in whole_table(params) if part.name not in settled)


def whole_table(params: YardParams) -> tuple[Parameter, ...]:
    """The yard's parameters, with the predecessor's ranges.

    brick_colour: factors of red, green and blue. ambient: factor of the light from all round.
    shadow_softness: how much of the sun's light comes from all round instead. fov_deg, camera_m:
    added to the ego camera's. image_noise: sigma, of full scale. damping: of wheels, lift and
    bucket, 0.5 as built. brick_mass: factor. floor_tilt_deg: gravity's, towards floor_tilt_to_deg.
    """
    count = params.bricks
    return (
        Parameter("brick_colour", "visual", 1.0, 0.7, 1.3, size=3),
        Parameter("floor", "visual", FLOORS[0], choices=FLOORS),
        Parameter("ambient", "visual", 1.0, 0.3, 1.2),
        Parameter("light_azimuth_deg", "visual", SUN_AZIMUTH_DEG, 0.0, 360.0),
        Parameter("light_elevation_deg", "visual", SUN_ELEVATION_DEG, 20.0, 70.0),
        Parameter("shadow_softness", "visual", 0.0, 0.0, 1.0),
        Parameter("fov_deg", "visual", 0.0, -5.0, 5.0),
        Parameter("camera_m", "visual", 0.0, -0.03, 0.03, size=3),
        Parameter("image_noise", "visual", 0.0, 0.0, 0.02),
        Parameter("floor_friction", "physical", FLOOR_FRICTION, 0.2, 0.8),
        Parameter("bucket_friction", "physical", FLOOR_FRICTION, 0.3, 0.9),
        Parameter("brick_mass", "physical", 1.0, 0.8, 1.2),
        Parameter("motor_delay_ms", "physical", 0.0, 0.0, 30.0),
        Parameter("damping", "physical", DAMPING, 0.3, 0.7),
        Parameter("floor_tilt_deg", "physical", 0.0, -1.0, 1.0),
        Parameter("floor_tilt_to_deg", "physical", 0.0, 0.0, 180.0),
        Parameter(
            "bricks",
            "scene",
            count,
            max(1, round((1 - COUNT_SHARE) * count)),
            round((1 + COUNT_SHARE) * count),
            whole=True,
        ),
        Parameter("box_corner", "scene", "south_west", choices=tuple(CORNERS)),
        Parameter("distractors", "scene", 0, 0, DISTRACTORS, whole=True),
    )


def _settled(params: YardParams) -> set[str]:
    """Names of what the scenario itself has set away from the yard's own value."""
    return {
        name
        for of, names in _SETTLES.items()
        if getattr(params, of) != _DEFAULTS[of]
        for name in names
    }


def drawn_for(scenario: Scenario, params: YardParams, key: tuple[str, int]) -> dict[str, Value]:
    """The values of one scene; {} for a scenario without randomisation.

    Widths and ranges may name what the scenario settles itself: they then change nothing.

    Raises:
        ConfigError: the randomisation names what the yard does not have.
    """
    if scenario.randomise is None:
        return {}
    drawn = draw(scenario.randomise, whole_table(params), stream("yard-randomise", *key))
    settled = _settled(params)
    return {name: value for name, value in drawn.items() if name not in settled}


def scene_digest(scenario: Scenario) -> str:
    """The name under which a scenario's scenes are drawn: the same with randomisation as without,
    so that a seed's bricks lie where they lay, but for what is randomised."""
    if scenario.randomise is None:
        return scenario.digest
    return scenario.model_copy(update={"randomise": None}).digest


def built_params(params: YardParams, randomisation: Randomisation | None) -> YardParams:
    """The yard to build: with as many bricks and distractors as a scene can have.

    Raises:
        ConfigError: so many do not fit, or the randomisation names what the yard does not have.
    """
    if randomisation is None:
        return params
    counts: dict[str, int] = {
        parameter.name: most(randomisation, parameter)
        for parameter in yard_table(params)
        if parameter.whole
    }
    changed = {name: n for name, n in counts.items() if n != getattr(params, name)}
    if not changed:
        return params
    return yard_params("starter", {**params.model_dump(), **changed})
