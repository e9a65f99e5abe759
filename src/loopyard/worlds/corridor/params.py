"""Parameters of the corridor: everything that may differ from one to another, and the presets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loopyard.core.errors import ConfigError

ANY = "any"
CameraName = Literal["ego", "birds_eye", "follow"]


class CorridorParams(BaseModel):
    """One kind of corridor. Lengths in metres, times in seconds, speeds in metres a second.

    The first six say which strata its scenes are of; ``any`` (None for boxes) leaves that to the
    scene. layout: ``core`` keeps near the nominal places, ``variant`` goes far from them. Neither
    ``side`` nor ``language`` changes where anything stands: the same seed is the same picture.
    case: scenes to validate on that the strata do not have, see `loopyard.worlds.corridor.cases`.
    substeps is the physics steps in one control tick.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    boxes: int | None = Field(default=None, ge=1, le=2)
    orientation: Literal["any", "vertical", "horizontal"] = ANY
    side: Literal["any", "left", "right"] = ANY
    layout: Literal["any", "core", "variant"] = ANY
    distance: Literal["any", "close", "medium", "far"] = ANY
    light: Literal["any", "day", "evening"] = ANY
    language: Literal["any", "english", "korean"] = "english"
    case: Literal["usual", "new_places", "sudden_stop", "sharp_turn"] = "usual"

    max_speed_mps: float = Field(default=1.15, gt=0.1, le=3.0)
    turning: bool = Field(default=False, description="a third action, angular_z")
    max_turn_radps: float = Field(default=1.0, gt=0.1, le=3.0)
    half_width_m: float = Field(default=1.6, ge=1.4, le=4.0)
    time_limit_s: float = Field(default=12.0, gt=0.0, le=120.0)
    fps: int = Field(default=10, ge=5, le=60)
    substeps: int = Field(default=10, ge=2, le=40)
    cameras: tuple[CameraName, ...] = ("ego",)
    image_width: int = Field(default=96, ge=16, le=1920)
    image_height: int = Field(default=96, ge=16, le=1080)
    pretty: bool = Field(default=False, description="draw observations as the pretty views")
    state: Literal["none", "pose"] = "none"

    @property
    def max_steps(self) -> int:
        return round(self.time_limit_s * self.fps)

    @model_validator(mode="after")
    def _cameras_differ(self) -> CorridorParams:
        if len(set(self.cameras)) != len(self.cameras) or not self.cameras:
            raise ValueError(
                f"cameras: found {self.cameras}, expected distinct names, at least one"
            )
        return self


PRESETS: dict[str, dict[str, Any]] = {
    "starter": {},
    "easy": {"boxes": 1, "layout": "core", "light": "day"},
}


def corridor_params(preset: str, overrides: dict[str, Any] | None = None) -> CorridorParams:
    """The preset's parameters with some of them replaced.

    Raises:
        ConfigError: the preset does not exist, or a parameter is unknown or out of range.
    """
    if preset not in PRESETS:
        raise ConfigError(f"corridor: preset: found '{preset}', expected one of {sorted(PRESETS)}")
    try:
        return CorridorParams(**{**PRESETS[preset], **(overrides or {})})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "parameters"
        known = (
            f"; known parameters: {', '.join(CorridorParams.model_fields)}"
            if first["type"] == "extra_forbidden"
            else ""
        )
        raise ConfigError(
            f"corridor ({preset}): {field}: found {first['input']!r}, {first['msg']}{known}"
        ) from None
