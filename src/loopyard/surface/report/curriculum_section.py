"""The section on the curriculum: how widely each parameter is drawn now, and what its edge said."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from loopyard.surface.report.run_folder import Facts, RunFolder
from loopyard.surface.report.wording import figure, percent


def curriculum(run: RunFolder) -> list[dict[str, str]]:
    """A row for each parameter, its edge as the last cycle drove it; [] without a curriculum."""
    tables = [cycle.curriculum for cycle in run.cycles if cycle.curriculum]
    rows = []
    for now in tables[-1].get("parameters", []) if tables else []:
        with suppress(KeyError, TypeError, ValueError):
            rows.append(_row(now, _widths(tables, now["name"])))
    return rows


def _widths(tables: list[Facts], name: str) -> list[float]:
    """Before the first cycle and after each."""
    mine = [row for table in tables for row in table["parameters"] if row["name"] == name]
    return [mine[0]["before"], *(row["width"] for row in mine)]


def _row(now: dict[str, Any], widths: list[float]) -> dict[str, str]:
    low, high = now["wilson_95"]
    ends = [end if isinstance(end, str) else figure(end) for end in now["range"]]
    chosen = isinstance(now["range"][0], str)
    return {
        "name": now["name"],
        "group": now["group"],
        "range": ", ".join(ends) if chosen else " to ".join(ends),
        "widths": " → ".join(map(figure, widths)),
        "edge": f"{now['successes']} of {now['n']}" if now["n"] else "",
        "interval": f"{percent(low)} to {percent(high)}" if now["n"] else "",
    }
