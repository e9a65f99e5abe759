"""The registry of failure modes: the built-in ones, a user's own, and how often each was met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loopyard.core.errors import ConfigError, expected
from loopyard.scenarios.mode import TIERS, FailureMode, Recipe

FOUND_PREFIX = "FM-N"
"""Modes that were found in rollouts are numbered FM-N01, FM-N02 and so on."""


class Change(BaseModel):
    """One change of a mode's occurrence. before: None where the mode was new in that cycle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cycle: int = Field(ge=0)
    id: str
    before: float | None
    after: float
    why: str = ""


class Registry(BaseModel):
    """Failure modes, in the order of their ids. A value: what changes it gives a new one.

    general: by world, how general scenes differ from one another. history: every change of an
    occurrence, oldest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modes: tuple[FailureMode, ...] = ()
    general: dict[str, Recipe] = Field(default_factory=dict)
    history: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Registry:
        ids = [mode.id for mode in self.modes]
        twice = sorted({id for id in ids if ids.count(id) > 1})
        if twice:
            raise ValueError(f"id: found '{twice[0]}' twice, expected each id once")
        return self

    def __len__(self) -> int:
        return len(self.modes)

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    @cached_property
    def _by_id(self) -> dict[str, FailureMode]:
        return {mode.id: mode for mode in self.modes}

    def __getitem__(self, id: str) -> FailureMode:
        """The mode of an id. Raises ConfigError, with the nearest there is."""
        if id in self._by_id:
            return self._by_id[id]
        near = get_close_matches(id, self._by_id, n=1)
        hint = f"one of {len(self)} ids" + (f"; did you mean '{near[0]}'?" if near else "")
        raise ConfigError(expected("failure modes", "id", id, hint))

    def of_world(self, world: str) -> tuple[FailureMode, ...]:
        """The modes that a world can be set up for."""
        return tuple(mode for mode in self.modes if world in mode.worlds)

    def tiers(self, world: str | None = None) -> dict[int, tuple[FailureMode, ...]]:
        """The modes (of a world) by tier; a tier without modes is there as well."""
        modes = self.modes if world is None else self.of_world(world)
        return {tier: tuple(m for m in modes if m.tier == tier) for tier in TIERS}

    def with_modes(self, modes: Iterable[FailureMode], source: str = "failure modes") -> Registry:
        """This registry and more modes. Raises ConfigError where an id is taken."""
        added = tuple(modes)
        for mode in added:
            if mode.id in self:
                wanted = f"an id that is not taken, such as {self.new_id()}"
                raise ConfigError(expected(source, "id", mode.id, wanted))
        every = sorted((*self.modes, *added), key=lambda mode: mode.id)
        return self._replaced(modes=tuple(every))

    def with_found(self, mode: FailureMode, *, cycle: int, why: str) -> Registry:
        """This registry and a mode that a cycle's rollouts showed, noted in the history."""
        change = Change(cycle=cycle, id=mode.id, before=None, after=mode.occurrence, why=why)
        return self.with_modes([mode])._replaced(history=(*self.history, change))

    def with_occurrence(self, id: str, value: float, *, cycle: int = 0, why: str = "") -> Registry:
        """The registry in which a mode occurs as often as ``value`` (0..10) says.

        Raises:
            ConfigError: no such mode, or the value is out of range.
        """
        mode = self[id]
        if not 0.0 <= value <= 10.0:
            raise ConfigError(expected(id, "occurrence", value, "0 to 10"))
        changed = mode.model_copy(update={"occurrence": float(value)})
        change = Change(cycle=cycle, id=id, before=mode.occurrence, after=float(value), why=why)
        modes = tuple(changed if other.id == id else other for other in self.modes)
        return self._replaced(modes=modes, history=(*self.history, change))

    def with_general(self, general: Mapping[str, Recipe]) -> Registry:
        """The registry with other ways for general scenes to differ, by world."""
        return self._replaced(general={**self.general, **general})

    def new_id(self, prefix: str = FOUND_PREFIX) -> str:
        """The first id after those that begin with ``prefix``: FM-N01, FM-N02 ..."""
        numbers = [int(m.id[len(prefix) :]) for m in self.modes if m.id.startswith(prefix)]
        return f"{prefix}{max(numbers, default=0) + 1:02d}"

    def _replaced(self, **parts: Any) -> Registry:
        return Registry(**{name: getattr(self, name) for name in Registry.model_fields} | parts)


@lru_cache(maxsize=1)
def built_in_registry() -> Registry:
    """The 32 modes that come with Loopyard."""
    from loopyard.scenarios.registry_file import read_built_in

    return read_built_in()


def open_registry(*, start: Path | None = None, modes: Sequence[Path] = ()) -> Registry:
    """The built-in modes, or those of a saved registry, and the modes of a user's files.

    Raises:
        ConfigError: a file cannot be read, a value is wrong, or an id is taken.
    """
    from loopyard.scenarios.registry_file import read_registry

    registry = built_in_registry() if start is None else read_registry(start)
    for path in modes:
        more = read_registry(path)
        registry = registry.with_modes(more.modes, str(path)).with_general(more.general)
    return registry
