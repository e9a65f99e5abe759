"""What a campaign cost: its running time at a machine's price, and calls of language models apart.

A price is the user's to name, as a figure or as a machine of a price file. Without one no cost is
shown: a guess would be taken for a fact.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopyard.core.errors import ConfigError, expected
from loopyard.cycle.accounts.timeline import Timeline, seconds_by_cycle

PACKAGE = "loopyard.cycle.accounts"
EXAMPLES = "prices.yaml"
CALLS = "language-model-calls.jsonl"
"""In a run folder, one line a call with its ``cost``; written by whoever makes such calls."""


class Prices(BaseModel):
    """A price file: what an hour of each machine costs, and of when that is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date
    currency: str = "USD"
    note: str = ""
    machines: dict[str, float] = Field(min_length=1)


@dataclass(frozen=True)
class Rate:
    """The price of one machine-hour. source: where it was found, to be shown beside it."""

    per_hour: float
    currency: str
    source: str


@dataclass(frozen=True)
class Cost:
    """In the rate's currency, for the time the campaign ran.

    beside: measuring, planning, the gate and what else belongs to no cycle. per_success: the whole
    campaign over the rollouts that succeeded on the gate; None before one did. promoted: what the
    promoted policy cost, which is the whole campaign; None where none was. calls: of language
    models, on top of all that; None where none were logged.
    """

    rate: Rate
    machine: float
    by_cycle: Mapping[int, float]
    beside: float
    per_success: float | None
    promoted: float | None
    calls: float | None = None


def read_prices(path: Path | None = None) -> Prices:
    """A user's price file, or the examples that come with the package.

    Raises:
        ConfigError: it is missing or holds anything else.
    """
    where = str(path or EXAMPLES)
    try:
        file = path if path is not None else resources.files(PACKAGE) / EXAMPLES
        return Prices.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(expected(where, "file", "nothing there", "prices in YAML")) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "content"
        raise ConfigError(expected(where, field, first["input"], first["msg"].lower())) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{where}: not readable as YAML: {error}") from None


def rate_of(
    machine: str | None = None, machine_price: float | None = None, prices: Path | None = None
) -> Rate | None:
    """The price a user named: the figure itself, else of a machine in their file or the examples.

    Raises:
        ConfigError: the file cannot be read, or does not know the machine.
    """
    if machine is None and machine_price is None:
        return None
    if machine_price is not None:
        return Rate(
            float(machine_price), "USD", f"machine_price{f', {machine}' if machine else ''}"
        )
    table = read_prices(prices)
    where = str(prices or EXAMPLES)
    if machine not in table.machines:
        raise ConfigError(expected(where, "machine", machine, f"one of {sorted(table.machines)}"))
    source = f"{machine}, {where} of {table.date}"
    if prices is None:
        source += ", an example price"
    return Rate(table.machines[machine], table.currency, source)


def cost_of(
    timeline: Timeline,
    rate: Rate,
    *,
    successes: int = 0,
    promoted: bool = False,
    calls: float | None = None,
) -> Cost:
    """successes: of the gate's rollouts."""
    price_s = rate.per_hour / 3600.0
    machine = timeline.end_s * price_s
    seconds = seconds_by_cycle(timeline.spans)
    by_cycle = {cycle: s * price_s for cycle, s in seconds.items() if cycle is not None}
    return Cost(
        rate=rate,
        machine=machine,
        by_cycle=dict(sorted(by_cycle.items())),
        beside=machine - sum(by_cycle.values()),
        per_success=machine / successes if successes else None,
        promoted=machine if promoted else None,
        calls=calls,
    )


def calls_cost(folder: Path) -> float | None:
    """What a run folder's log of language-model calls sums up to; None without one."""
    path = folder / CALLS
    if not path.is_file():
        return None
    total = 0.0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            call: Any = json.loads(line)
            total += float(call["cost"])
        except (ValueError, TypeError, KeyError):
            raise ConfigError(
                expected(f"{path}: line {number}", "cost", line, "a line of JSON with a cost")
            ) from None
    return total
