"""Domain randomisation: a world's table of quantities, and the values that one scene draws.

After Tobin et al., 2017 (arXiv:1703.06907): what differs between simulation and reality, or between
one place and another, is drawn anew in each scene, so that a policy learns to do without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.core.randomisation import Group, Randomisation

Value = float | int | str | tuple[float, ...]
WHERE = "randomise"


@dataclass(frozen=True)
class Parameter:
    """One quantity that a world can draw: what it is by itself, and between what it may lie.

    low, high: the range; nominal need not lie within it. whole: integers only. size: so many
    independent values, drawn alike. choices: names to choose from instead of a range, the nominal
    among them.
    """

    name: str
    group: Group
    nominal: float | int | str
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    size: int = 1
    choices: tuple[str, ...] = ()

    @property
    def at_rest(self) -> Value:
        """The value without randomisation."""
        if self.size == 1:
            return self.nominal
        return (float(self.nominal),) * self.size


def bounds(randomisation: Randomisation, parameter: Parameter) -> tuple[float, float]:
    """Between what a number is drawn: the range, shrunk about the nominal value by the width."""
    if parameter.choices:
        raise TypeError(f"{parameter.name} is chosen, not drawn from a range")
    nominal = float(parameter.nominal)
    width = width_of(randomisation, parameter)
    low, high = randomisation.ranges.get(parameter.name, (parameter.low, parameter.high))
    return nominal + width * (low - nominal), nominal + width * (high - nominal)


def width_of(randomisation: Randomisation, parameter: Parameter) -> float:
    """0 where the parameter's group is switched off."""
    if parameter.group not in randomisation.groups:
        return 0.0
    return randomisation.width_of(parameter.name)


def most(randomisation: Randomisation, parameter: Parameter) -> int:
    """The largest value that a whole parameter can have."""
    return max(_whole(*bounds(randomisation, parameter), int(parameter.nominal)))


def draw(
    randomisation: Randomisation, table: Sequence[Parameter], rng: np.random.Generator
) -> dict[str, Value]:
    """A value for every parameter of the table that has a width, by name.

    What a parameter gets depends on its own width and range alone: each takes the same share of
    random numbers whether it is switched on or not.

    Raises:
        ConfigError: see `check`.
    """
    check(randomisation, table)
    shares = [(parameter, rng.random(1 + parameter.size)) for parameter in table]
    return {
        parameter.name: _draw_one(randomisation, parameter, share)
        for parameter, share in shares
        if width_of(randomisation, parameter) > 0
    }


def check(randomisation: Randomisation, table: Sequence[Parameter]) -> None:
    """Does the world have what the randomisation names?

    Raises:
        ConfigError: an unknown name, a range for what is chosen, or one upside down.
    """
    by_name = {parameter.name: parameter for parameter in table}
    for part, named in (("widths", randomisation.widths), ("ranges", randomisation.ranges)):
        for name in named:
            if name not in by_name:
                wanted = f"one of {', '.join(by_name)}"
                raise ConfigError(expected(WHERE, part, name, wanted))
    for name, (low, high) in randomisation.ranges.items():
        if by_name[name].choices:
            raise ConfigError(expected(WHERE, f"ranges.{name}", (low, high), "no range: a choice"))
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ConfigError(expected(WHERE, f"ranges.{name}", (low, high), "low <= high"))


def plain(drawn: Mapping[str, Value]) -> dict[str, Any]:
    """Drawn values as JSON has them, numbers with six digits."""
    return {
        name: [round(number, 6) for number in value]
        if isinstance(value, tuple)
        else round(value, 6)
        if isinstance(value, float)
        else value
        for name, value in drawn.items()
    }


def _draw_one(randomisation: Randomisation, parameter: Parameter, shares: np.ndarray) -> Value:
    """shares: (1 + size,) uniform in [0, 1)."""
    if parameter.choices:
        if shares[0] >= width_of(randomisation, parameter):
            return parameter.nominal
        return parameter.choices[int(shares[1] * len(parameter.choices))]
    low, high = bounds(randomisation, parameter)
    if parameter.whole:
        first, last = _whole(low, high, int(parameter.nominal))
        return first + int(shares[1] * (last + 1 - first))
    values = tuple(float(low + share * (high - low)) for share in shares[1:])
    return values[0] if parameter.size == 1 else values


def _whole(low: float, high: float, nominal: int) -> tuple[int, int]:
    """The first and the last integer in a range; the nominal one where there is none."""
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    return (first, last) if first <= last else (nominal, nominal)
