"""The box that is searched: two to eight numbers of a scenario, each with its ends.

A number is a parameter of the world, or ``randomise.NAME``: a quantity that the world can draw anew
in each scene, and that is held at the value tried instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.core.randomisation import GROUPS, Randomisation
from loopyard.core.scenario import Scenario
from loopyard.scenarios.world_params import (
    base_value,
    check_name,
    check_value,
    randomisation_table,
    require_possible,
)
from loopyard.worlds.randomisation import Parameter

WHERE = "scenarios search"
FEWEST, MOST = 2, 8
RANDOMISE = "randomise."
DIGITS = 6
"""Significant digits of a value that is tried: a scenario is named by what it holds."""

Number = int | float


@dataclass(frozen=True)
class Axis:
    """One parameter. nominal: its value in the base scenario, which may lie outside its ends; of
    what can be randomised, the value without that."""

    name: str
    low: Number
    high: Number
    nominal: Number
    integer: bool

    def value(self, unit: float) -> Number:
        """The value that is tried for 0..1; a whole number where the parameter is one."""
        exact = self.low + min(1.0, max(0.0, float(unit))) * (self.high - self.low)
        return round(exact) if self.integer else float(f"{exact:.{DIGITS}g}")

    def unit(self, value: Number) -> float:
        """Inverse of `value`; below 0 or above 1 outside the ends."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Space:
    """A base scenario and the parameters that differ from it. Points are (D,) units, 0..1 each."""

    base: Scenario
    axes: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    @property
    def randomised(self) -> tuple[str, ...]:
        """Those of the names that are quantities of the world's randomisation."""
        return tuple(name for name in self.names if name.startswith(RANDOMISE))

    @property
    def nominal(self) -> np.ndarray:
        """(D,) units of the base scenario, which may lie outside 0..1."""
        return np.array([axis.unit(axis.nominal) for axis in self.axes])

    def index(self, name: str) -> int:
        """The place of a parameter. Raises ConfigError where it is not varied."""
        if name not in self.names:
            wanted = f"two of the varied parameters: {', '.join(self.names)}"
            raise ConfigError(expected(WHERE, "--boundary", name, wanted))
        return self.names.index(name)

    def values(self, units: np.ndarray) -> dict[str, Number]:
        """The parameters at a point, by name."""
        return {axis.name: axis.value(u) for axis, u in zip(self.axes, units, strict=True)}

    def snapped(self, units: np.ndarray) -> np.ndarray:
        """(D,) units of what is really tried at a point: whole numbers are rounded."""
        values = self.values(units)
        return np.array([axis.unit(values[axis.name]) for axis in self.axes])

    def scenario(self, units: np.ndarray) -> Scenario:
        """The base scenario with the point's parameters. What else it randomises is still drawn."""
        values = self.values(units)
        held = {name.removeprefix(RANDOMISE): float(values.pop(name)) for name in self.randomised}
        update: dict[str, Any] = {"params": {**self.base.params, **values}}
        if held:
            before = self.base.randomise or Randomisation(width=0.0)
            parts = {
                "widths": {**before.widths, **dict.fromkeys(held, 1.0)},
                "ranges": {**before.ranges, **{name: (v, v) for name, v in held.items()}},
            }
            update["randomise"] = before.model_copy(update=parts)
        return self.base.model_copy(update=update)


def open_space(base: Scenario, vary: Mapping[str, tuple[Any, Any]]) -> Space:
    """The space of the parameters in ``vary``, {name: (low, high)}, about ``base``.

    A parameter counts as a whole number where the base scenario's value and both ends are.

    Raises:
        ConfigError: fewer than 2 or more than 8 parameters; one that is unknown, is no number in
            the base scenario, or whose ends are upside down, no numbers or out of range.
    """
    if not FEWEST <= len(vary) <= MOST:
        wanted = f"{FEWEST} to {MOST} parameters"
        raise ConfigError(expected(WHERE, "--vary", ", ".join(vary) or "none", wanted))
    for name in base.params:
        check_name(WHERE, base.world, name)
    axes = [
        _drawn_axis(base, name, *ends) if name.startswith(RANDOMISE) else _axis(base, name, *ends)
        for name, ends in vary.items()
    ]
    require_possible(base, 0)
    return Space(base, tuple(axes))


def _axis(base: Scenario, name: str, low: Any, high: Any) -> Axis:
    where = f"{WHERE}: --vary"
    check_name(where, base.world, name)
    nominal = base_value(base, name)
    if not _is_number(nominal):
        wanted = f"a number to start from; give it as --params {name} NUMBER"
        raise ConfigError(
            expected(f"{where} {name}", "value in the base scenario", nominal, wanted)
        )
    _require_upright(name, low, high)
    for end in (low, high):
        check_value(where, base.world, name, end)
    return Axis(name, low, high, nominal, isinstance(nominal, int) and _whole(low, high))


def _drawn_axis(base: Scenario, name: str, low: Any, high: Any) -> Axis:
    """Of a quantity of the world's randomisation. It has no bounds but those of its sign."""
    where = f"{WHERE}: --vary"
    table = {RANDOMISE + one.name: one for one in _table(base) if not one.choices}
    if name not in table:
        wanted = ", ".join(table) or f"none: the randomisation of '{base.world}' is not known"
        raise ConfigError(expected(where, "quantity", name, wanted))
    _require_upright(name, low, high)
    quantity = table[name]
    if low < 0 <= quantity.low:
        raise ConfigError(expected(where, name, low, "0 or more"))
    return Axis(name, low, high, float(quantity.nominal), quantity.whole and _whole(low, high))


def _table(base: Scenario) -> tuple[Parameter, ...]:
    groups = GROUPS if base.randomise is None else base.randomise.groups
    return tuple(one for one in randomisation_table(base) if one.group in groups)


def _require_upright(name: str, low: Any, high: Any) -> None:
    if not (_is_number(low) and _is_number(high) and low < high):
        wanted = "LOW:HIGH, two numbers, low < high"
        raise ConfigError(expected(f"{WHERE}: --vary", name, f"{low}:{high}", wanted))


def _whole(low: float, high: float) -> bool:
    return float(low).is_integer() and float(high).is_integer()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
