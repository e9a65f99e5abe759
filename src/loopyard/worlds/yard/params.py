"""Parameters of the yard: everything that may differ from one yard to another, and the presets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loopyard.core.errors import ConfigError

CameraName = Literal["ego", "birds_eye", "follow", "side", "front"]
Light = Literal["normal", "flat", "harsh", "dim", "fading"]
Terrain = Literal["flat", "slope", "ramp", "uneven"]
Hazard = Literal["none", "cliff", "hole", "collapse"]
Layout = Literal["free", "gap", "zigzag", "trap", "blocked"]
BrickPlaces = Literal["free", "wall", "clustered", "spread", "hidden"]
BrickSizes = Literal["same", "mixed_large", "mixed_tiny"]
Mover = Literal["none", "pet", "child"]


class YardParams(BaseModel):
    """One kind of yard. Lengths in metres, times in seconds, speeds in metres a second.

    room_m is the side of the floor; the kerb stands margin_m inside its edge, so a 16 m room with a
    margin of 0.5 m has the bounds +-7.5. substeps is the physics steps in one control tick.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    room_m: float = Field(default=6.0, ge=4.0, le=40.0)
    margin_m: float = Field(default=0.15, ge=0.05, le=2.0)
    bricks: int = Field(default=1, ge=1, le=50)
    furniture: int = Field(default=0, ge=0, le=12)
    box_side_m: float = Field(default=1.1, ge=0.8, le=2.0)
    box_gap_m: float = Field(default=0.1, ge=0.05, le=2.0, description="from the kerb to the box")
    bucket_capacity: int = Field(default=1, ge=1, le=6)
    max_speed_mps: float = Field(default=1.2, gt=0.1, le=4.0)
    max_turn_radps: float = Field(default=1.8, gt=0.1, le=4.0)
    time_limit_s: float = Field(default=25.0, gt=0.0, le=600.0)
    fps: int = Field(default=10, ge=5, le=60)
    substeps: int = Field(default=16, ge=4, le=40)
    cameras: tuple[CameraName, ...] = ("ego",)
    image_width: int = Field(default=96, ge=16, le=1920)
    image_height: int = Field(default=96, ge=16, le=1080)
    pretty: bool = Field(default=False, description="draw observations as the pretty views")
    state: Literal["full", "predecessor"] = "full"

    # What makes a scene hard: each of these is off unless a scenario asks for it.
    light: Light = "normal"
    reflective: bool = Field(default=False, description="a floor that mirrors")
    brick_colours: Literal["bright", "floor"] = "bright"
    brick_places: BrickPlaces = "free"
    brick_sizes: BrickSizes = "same"
    stuck_bricks: int = Field(default=0, ge=0, le=10, description="of the bricks, glued down")
    bricks_moved_at_s: float | None = Field(default=None, ge=0.0, description="two are carried off")
    ghost_ticks: int = Field(default=0, ge=0, le=30, description="a fetched brick is still seen")
    box_fill: float = Field(default=0.0, ge=0.0, le=1.0, description="heap in the box at the start")
    loader_start: Literal["free", "farthest"] = "free"
    layout: Layout = "free"
    gap_widths: float = Field(default=1.0, ge=0.5, le=3.0, description="layout gap, loader widths")
    fragile: int = Field(default=0, ge=0, le=5, description="glasses, each beside a brick")
    distractors: int = Field(default=0, ge=0, le=20, description="small things that are no bricks")
    door_opens_at_s: float | None = Field(default=None, ge=0.0)
    bricks_behind_door: int = Field(default=0, ge=0, le=10, description="of the bricks")
    terrain: Terrain = "flat"
    slope_deg: float = Field(default=4.0, ge=0.0, le=15.0, description="terrain slope and ramp")
    hazard: Hazard = "none"
    hazard_radius_m: float = Field(default=0.5, ge=0.2, le=1.5)
    mover: Mover = "none"
    mover_mps: float = Field(default=1.0, ge=0.1, le=3.0)
    floor_friction: float = Field(default=0.6, ge=0.05, le=1.5)
    bucket_friction: float = Field(default=0.9, ge=0.05, le=1.5, description="low: turns spill")
    noise_position_m: float = Field(default=0.0, ge=0.0, le=0.5)
    noise_yaw_rad: float = Field(default=0.0, ge=0.0, le=0.5)
    noise_image: float = Field(default=0.0, ge=0.0, le=0.2, description="sigma, of full scale")

    @property
    def half_m(self) -> float:
        """From the yard's middle to the inner face of the kerb."""
        return self.room_m / 2 - self.margin_m

    @property
    def max_steps(self) -> int:
        return round(self.time_limit_s * self.fps)

    @property
    def box_centre_m(self) -> float:
        """Both coordinates of the box's middle: it stands in the (-x, -y) corner."""
        return -self.half_m + self.box_gap_m + self.box_side_m / 2

    @model_validator(mode="after")
    def _has_room(self) -> YardParams:
        if len(set(self.cameras)) != len(self.cameras) or not self.cameras:
            raise ValueError(
                f"cameras: found {self.cameras}, expected distinct names, at least one"
            )
        if self.stuck_bricks + self.bricks_behind_door > self.bricks:
            raise ValueError(
                f"bricks: found {self.bricks}, expected at least {self.stuck_bricks} stuck_bricks "
                f"and {self.bricks_behind_door} bricks_behind_door"
            )
        if self.hazard != "none" and self.terrain != "flat":
            raise ValueError(
                f"hazard: found '{self.hazard}' with terrain '{self.terrain}', expected "
                f"terrain 'flat': a hazard builds the floor itself"
            )
        free_m2 = (2 * self.half_m - 1.2) ** 2 - (self.box_side_m + 1.0) ** 2
        needed_m2 = 0.25 * self.bricks + 2.2 * self.furniture
        if needed_m2 > 0.5 * free_m2:
            raise ValueError(
                f"{self.bricks} bricks and {self.furniture} pieces of furniture do not fit in a "
                f"room of {self.room_m} m"
            )
        return self


PRESETS: dict[str, dict[str, Any]] = {
    "starter": {},
    "mid": {
        "room_m": 8.0,
        "bricks": 3,
        "furniture": 1,
        "bucket_capacity": 2,
        "max_speed_mps": 1.5,
        "time_limit_s": 60.0,
    },
    "full": {
        "room_m": 16.0,
        "margin_m": 0.5,
        "bricks": 10,
        "furniture": 4,
        "box_side_m": 1.6,
        "box_gap_m": 0.7,
        "bucket_capacity": 4,
        "max_speed_mps": 2.5,
        "max_turn_radps": 2.5,
        "time_limit_s": 120.0,
        "fps": 30,
        "substeps": 6,
        "image_width": 640,
        "image_height": 480,
    },
}


def yard_params(preset: str, overrides: dict[str, Any] | None = None) -> YardParams:
    """The preset's parameters with some of them replaced.

    Raises:
        ConfigError: the preset does not exist, or a parameter is unknown or out of range.
    """
    if preset not in PRESETS:
        raise ConfigError(f"yard: preset: found '{preset}', expected one of {sorted(PRESETS)}")
    try:
        return YardParams(**{**PRESETS[preset], **(overrides or {})})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "parameters"
        known = (
            ""
            if first["type"] != "extra_forbidden"
            else (f"; known parameters: {', '.join(YardParams.model_fields)}")
        )
        raise ConfigError(
            f"yard ({preset}): {field}: found {first['input']!r}, {first['msg']}{known}"
        ) from None
