"""A ladder of scenes to learn from: the next rung opens when the present one is driven well.

A curriculum of scenarios beside that of widths (`loopyard.scenarios.curriculum`): from near to far,
from day to evening. Bengio et al., "Curriculum learning", ICML 2009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Ladder(BaseModel):
    """rungs: parameters of the world that the scenes of each differ in from the campaign's own,
    the easiest first; the last one is often ``{}``, the campaign's own. The next opens when of
    ``fewest`` drives or more on the newest open one a share of ``bar`` succeeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rungs: Annotated[tuple[dict[str, Any], ...], Field(min_length=2)]
    bar: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    fewest: Annotated[int, Field(ge=1)] = 10

    def of(self, params: Mapping[str, Any], strata: Mapping[str, str]) -> tuple[int, ...]:
        """The rungs that a drive tells of, by its scenario's parameters and its scene's strata.

        A drive of a rung's own scenes tells of that one alone; one of the campaign's own scenes of
        each that its scene falls into.
        """
        for place, rung in enumerate(self.rungs):
            if rung and all(params.get(name) == value for name, value in rung.items()):
                return (place,)
        return tuple(
            place
            for place, rung in enumerate(self.rungs)
            if all(strata.get(name) == str(value) for name, value in rung.items())
        )

    def opened(self, drives: Sequence[tuple[tuple[int, ...], bool]], open_: int) -> int:
        """How many rungs are open after some drives (the rungs each tells of, its success); of
        ``open_`` before. Several open at once where the drives speak for them all."""
        while open_ < len(self.rungs):
            found = [success for rungs, success in drives if open_ - 1 in rungs]
            if len(found) < self.fewest or sum(found) < self.bar * len(found):
                break
            open_ += 1
        return open_
