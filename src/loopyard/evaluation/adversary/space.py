"""The box that is searched: two to eight numeric parameters of a scenario, each with its ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.core.scenario import Scenario
from loopyard.scenarios.world_params import base_value, check_name, check_value, require_possible

WHERE = "scenarios search"
FEWEST, MOST = 2, 8
DIGITS = 6
"""Significant digits of a value that is tried: a scenario is named by what it holds."""

Number = int | float


@dataclass(frozen=True)
class Axis:
    """One parameter. nominal: its value in the base scenario, which may lie outside its ends."""

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
        """The base scenario with the point's parameters."""
        params = {**self.base.params, **self.values(units)}
        return self.base.model_copy(update={"params": params})


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
    for name in (*base.params, *vary):
        check_name(WHERE, base.world, name)
    space = Space(base, tuple(_axis(base, name, *ends) for name, ends in vary.items()))
    require_possible(base, 0)
    return space


def _axis(base: Scenario, name: str, low: Any, high: Any) -> Axis:
    where = f"{WHERE}: --vary"
    nominal = base_value(base, name)
    if not _is_number(nominal):
        wanted = f"a number to start from; give it as --params {name} NUMBER"
        raise ConfigError(
            expected(f"{where} {name}", "value in the base scenario", nominal, wanted)
        )
    if not (_is_number(low) and _is_number(high) and low < high):
        raise ConfigError(
            expected(where, name, f"{low}:{high}", "LOW:HIGH, two numbers, low < high")
        )
    for end in (low, high):
        check_value(where, base.world, name, end)
    whole = all(float(value).is_integer() for value in (low, high))
    return Axis(name, low, high, nominal, isinstance(nominal, int) and whole)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
