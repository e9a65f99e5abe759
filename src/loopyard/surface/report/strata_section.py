"""The sections on strata: success on each part of them, and how far a ladder was climbed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from loopyard.surface.report.language import say
from loopyard.surface.report.run_folder import RunFolder
from loopyard.surface.report.wording import interval, part_of


def strata(run: RunFolder) -> dict[str, Any]:
    """A row for each value of each part that differs between the judged scenes; without rows in a
    world that tells no strata."""
    for suite in ("gate", "select"):
        for cycle in reversed(run.cycles):
            if found := cycle.summaries[suite].get("strata"):
                return {"suite": suite, "rows": _rows(found)}
    return {"suite": "", "rows": []}


def _rows(found: Any) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    with suppress(AttributeError, KeyError, TypeError, ValueError):
        for part, values in found.items():
            for value, row in values.items() if len(values) > 1 else ():
                rows.append({"part": part, "value": str(value), **_result(row)})
    return rows


def ladder(run: RunFolder) -> list[dict[str, str]]:
    """A row for each rung, as the last cycle drove it; [] without a ladder."""
    rows: list[dict[str, str]] = []
    tables = [cycle.ladder for cycle in run.cycles if cycle.ladder]
    with suppress(AttributeError, KeyError, TypeError, ValueError):
        for row in tables[-1]["rungs"] if tables else ():
            told = ", ".join(f"{name} {value}" for name, value in row["params"].items())
            state = say("open") if row["open"] else say("closed")
            rows.append({"rung": told or say("any scene"), "state": state, **_result(row)})
    return rows


def _result(row: dict[str, Any]) -> dict[str, str]:
    if not row["n"]:
        return {"succeeded": "", "interval": ""}
    low, high = row["wilson_95"]
    return {
        "succeeded": part_of(row["successes"], row["n"]),
        "interval": interval((float(low), float(high))),
    }
