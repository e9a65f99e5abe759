"""A curriculum of randomisation: each range widens when the policy succeeds at its present edge.

Automatic domain randomisation (OpenAI et al., Solving Rubik's Cube with a Robot Hand, 2019,
arXiv:1910.07113, algorithm 1). There, each end of each range moves by itself; here a parameter has
one width for both ends, as `Randomisation.widths` has, and the ends take turns to be probed. A
probe is a scene in which one parameter lies at its edge and all others are drawn within their
widths.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loopyard.core.errors import ConfigError, expected
from loopyard.core.randomisation import Randomisation, Width
from loopyard.worlds.randomisation import Parameter, bounds

Side = Literal["low", "high"]
SIDES: tuple[Side, Side] = ("low", "high")


@dataclass(frozen=True)
class Probe:
    """What to drive next: a parameter's edge, and the randomisation of a scene that lies there."""

    name: str
    side: Side
    randomise: Randomisation


class WidthChange(BaseModel):
    """One verdict on a parameter's edge, after ``of`` probes. before and after are equal where the
    success was between the bars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    before: Width
    after: Width
    succeeded: int
    of: int


class WidthRule(BaseModel):
    """When a width changes, and by how much.

    step: by so much. probes: drives at an edge that make a verdict, at least. widen_at: share of
    successes among them from which the width grows. narrow_at: share up to which it shrinks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    probes: Annotated[int, Field(ge=1, le=1000)] = 20
    widen_at: Annotated[float, Field(ge=0.0, le=1.0)] = 0.8
    narrow_at: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5

    @model_validator(mode="after")
    def _bars_in_order(self) -> Self:
        if not self.narrow_at < self.widen_at:
            raise ValueError(
                f"narrow_at: found {self.narrow_at:g}, expected less than widen_at "
                f"{self.widen_at:g}"
            )
        return self


class CurriculumSettings(WidthRule):
    """A curriculum in a campaign, whose cycles are few: steps are larger and probes fewer.

    start: width of every parameter in the first cycle. share: part of a cycle's drives that probe
    edges, at most.
    """

    start: Width = 0.25
    step: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    probes: Annotated[int, Field(ge=1, le=1000)] = 4
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5


class Curriculum(WidthRule):
    """How wide each parameter is drawn, and what its edge was driven with since that changed.

    A value: `told` gives the next one. Parameters do not depend on each other.

    base: the groups and ranges that are drawn; its widths count for nothing. history: every
    verdict, oldest first.
    """

    widths: dict[str, Width]
    base: Randomisation = Randomisation()
    results: dict[str, tuple[bool, ...]] = Field(default_factory=dict)
    history: tuple[WidthChange, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Curriculum:
        for name, results in self.results.items():
            if name not in self.widths:
                raise ValueError(f"results: found '{name}', expected one of {list(self.widths)}")
            if len(results) >= self.probes:
                raise ValueError(
                    f"results.{name}: found {len(results)}, expected fewer than {self.probes}"
                )
        return self

    @classmethod
    def of(
        cls,
        table: Iterable[Parameter],
        *,
        width: float = 0.0,
        base: Randomisation | None = None,
        **settings: Any,
    ) -> Curriculum:
        """One for the parameters of a world's table that ``base`` draws, each ``width`` wide."""
        base = base or Randomisation()
        widths = {part.name: width for part in table if part.group in base.groups}
        return cls.model_validate({"widths": widths, "base": base, **settings})

    @property
    def mean_width(self) -> float:
        """How far it has come: 0 nothing is drawn, 1 every range is used whole."""
        return sum(self.widths.values()) / len(self.widths) if self.widths else 0.0

    def randomisation(self) -> Randomisation:
        """To train with: every parameter as wide as it has got."""
        return self.base.model_copy(update={"width": 0.0, "widths": self.widths})

    def next_probes(self, table: Sequence[Parameter], n: int) -> list[Probe]:
        """At most ``n`` probes, as many as verdicts wait for: the edges that were probed least
        first, in the table's order; low and high take turns.

        Raises:
            ConfigError: the table lacks a parameter of this curriculum.
        """
        by_name = {parameter.name: parameter for parameter in table}
        for name in self.widths:
            self._require(name, by_name)
        before = {part.name: self.probed(part.name) for part in table if part.name in self.widths}
        planned: Counter[str] = Counter()
        probes: list[Probe] = []
        while len(probes) < n:
            open_ = [name for name in before if planned[name] < self._awaited(name)]
            if not open_:
                break
            name = min(open_, key=lambda name: before[name] + planned[name])
            side = SIDES[(before[name] + planned[name]) % 2]
            probes.append(Probe(name, side, self.edge(by_name[name], side)))
            planned[name] += 1
        return probes

    def probed(self, name: str) -> int:
        """How often a parameter was probed, at all its widths together."""
        judged = sum(change.of for change in self.history if change.name == name)
        return judged + len(self.results.get(name, ()))

    def edge(self, parameter: Parameter, side: Side) -> Randomisation:
        """Scenes with one parameter at an edge of its width, the others drawn within theirs.

        A choice has no edge: it is chosen in every such scene, from all there is.
        """
        randomise, name = self.randomisation(), parameter.name
        if self.widths[name] == 0.0:
            return randomise
        ranges = {} if parameter.choices else {name: _twice(randomise, parameter, side)}
        return randomise.model_copy(
            update={
                "widths": {**self.widths, name: 1.0},
                "ranges": {**self.base.ranges, **ranges},
            }
        )

    def told(self, name: str, *successes: bool) -> Curriculum:
        """The curriculum after probes of ``name`` that were all driven at its present edge.

        Raises:
            ConfigError: no such parameter.
        """
        self._require(name, self.widths)
        results = (*self.results.get(name, ()), *map(bool, successes))
        if len(results) < self.probes:
            return self.model_copy(update={"results": {**self.results, name: results}})
        before, share = self.widths[name], sum(results) / len(results)
        after = before
        if share >= self.widen_at:
            after = min(1.0, round(before + self.step, 9))
        elif share <= self.narrow_at:
            after = max(0.0, round(before - self.step, 9))
        change = WidthChange(
            name=name, before=before, after=after, succeeded=sum(results), of=len(results)
        )
        return self.model_copy(
            update={
                "widths": {**self.widths, name: after},
                "results": {one: kept for one, kept in self.results.items() if one != name},
                "history": (*self.history, change),
            }
        )

    def _awaited(self, name: str) -> int:
        return self.probes - len(self.results.get(name, ()))

    def _require(self, name: str, known: Iterable[str]) -> None:
        if name not in known:
            raise ConfigError(expected("curriculum", "name", name, f"one of {', '.join(known)}"))


def _twice(randomise: Randomisation, parameter: Parameter, side: Side) -> tuple[float, float]:
    """The range that is nothing but one end of the present one."""
    end = bounds(randomise, parameter)[SIDES.index(side)]
    if parameter.whole:  # the last whole number inside
        end = math.floor(end + 1e-9) if side == "high" else math.ceil(end - 1e-9)
    return end, end
