"""Randomisation: which of a world's quantities are drawn anew in each scene, and how widely."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Group = Literal["visual", "physical", "scene"]
GROUPS: tuple[Group, ...] = get_args(Group)
Width = Annotated[float, Field(ge=0.0, le=1.0)]


class Randomisation(BaseModel):
    """Domain randomisation of one scenario; the world knows its parameters and their ranges.

    groups: which kinds of parameters are drawn; the others keep their nominal values.
    width: how much of each range is used, about its nominal value: 0 nothing, 1 all of it.
    widths: the same for single parameters, by name, where a curriculum has set them.
    ranges: (low, high) that replace the world's own range of a parameter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[Group, ...] = GROUPS
    width: Width = 1.0
    widths: dict[str, Width] = Field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _upright(self) -> Randomisation:
        if len(set(self.groups)) != len(self.groups):
            raise ValueError(f"groups: found {list(self.groups)}, expected each of them once")
        for name, (low, high) in self.ranges.items():
            if not low <= high:
                raise ValueError(f"ranges.{name}: found ({low:g}, {high:g}), expected low <= high")
        return self

    def width_of(self, name: str) -> float:
        return self.widths.get(name, self.width)
