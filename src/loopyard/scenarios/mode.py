"""FailureMode: one way in which the task goes wrong, how much it matters, and how to stage it."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, model_validator

from loopyard.core.scenario import SuccessCriteria

TIER_1_SPS, TIER_2_SPS = 20.0, 5.0
TIERS = (1, 2, 3)
ID_PATTERN = r"^FM-[A-Z]\d{2,3}$"

PICTURE_SCENES = 4
"""Scenes of a mode that a gallery looks at."""

Number = StrictInt | StrictFloat
Occurrence = Annotated[float, Field(ge=0.0, le=10.0)]


class Recipe(BaseModel):
    """How one world is set up for a mode, as overrides to the base scenario's parameters.

    params: fixed values. draw: [low, high]; two integers give an integer, both ends included,
    anything else a number with three decimals. choose: one of the values. vary: drawn within this
    share of the base scenario's own value, rounded where that is an integer. success: where it
    differs from the base scenario's. picture_s: seconds into an expert's drive at which a picture
    shows what the mode is about. picture_scene: which of the mode's scenes shows it best; None for
    the one in which the robot sees most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    params: dict[str, Any] = Field(default_factory=dict)
    draw: dict[str, tuple[Number, Number]] = Field(default_factory=dict)
    choose: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    vary: dict[str, Annotated[float, Field(gt=0.0, lt=1.0)]] = Field(default_factory=dict)
    success: SuccessCriteria | None = None
    picture_s: float = Field(default=2.0, ge=0.0, le=600.0)
    picture_scene: int | None = Field(default=None, ge=0, lt=PICTURE_SCENES)

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        for name, (low, high) in self.draw.items():
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ValueError(f"draw.{name}: found [{low}, {high}], expected [low, high]")
        named = [*self.params, *self.draw, *self.choose, *self.vary]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(
                f"{twice[0]}: found in two of params, draw, choose and vary, expected in one"
            )
        return self


class FailureMode(BaseModel):
    """One row of the failure mode and effects analysis, with how each world stages it.

    function: what of the task it breaks. severity, occurrence and difficulty (of noticing and
    mending it in time) are scores up to 10. expected: what a good drive does, in a word such as
    ``emergency_stop``; behaviour: the same in a sentence. worlds: a recipe for each world.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=ID_PATTERN)
    function: str = ""
    text: str = Field(min_length=1)
    severity: int = Field(ge=1, le=10)
    occurrence: Occurrence
    difficulty: int = Field(ge=1, le=10)
    expected: str = Field(default="complete_collection", pattern=r"^[a-z][a-z_]*$")
    behaviour: str = ""
    worlds: dict[str, Recipe] = Field(default_factory=dict)

    @property
    def sps(self) -> float:
        """The priority: severity x occurrence / difficulty."""
        return self.severity * self.occurrence / self.difficulty

    @property
    def tier(self) -> int:
        """1 where the priority is 20 or more, 2 from 5 on, else 3."""
        return 1 if self.sps >= TIER_1_SPS else 2 if self.sps >= TIER_2_SPS else 3
