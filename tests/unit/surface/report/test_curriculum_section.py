"""The report's table of the curriculum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loopyard.surface.report.curriculum_section import curriculum
from loopyard.surface.report.run_folder import CycleFolder, RunFolder


def row(name: str, before: float, width: float, n: int, **more: Any) -> dict[str, Any]:
    edge = {"range": [0.5, 0.7], "successes": n, "n": n, "wilson_95": [0.51, 1.0]}
    return {"name": name, "group": "physical", "before": before, "width": width, **edge, **more}


def run_of(*tables: dict[str, Any]) -> RunFolder:
    nothing: Any = {"facts": {}, "losses": [], "records": {}, "summaries": {}, "videos": []}
    cycles = [
        CycleFolder(number=1 + at, generate={}, audit={}, curriculum=table, **nothing)
        for at, table in enumerate(tables)
    ]
    return RunFolder(Path("run"), {}, {}, {}, {}, cycles)


def test_widths_are_told_cycle_by_cycle_and_the_edge_as_it_was_last_driven():
    run = run_of(
        {"parameters": [row("grip", 0.25, 0.25, 0), row("floor", 0.25, 0.5, 4)]},
        {
            "parameters": [
                row("grip", 0.25, 0.5, 4),
                row("floor", 0.5, 0.5, 0, range=["wood", "tile"]),
            ]
        },
    )
    grip, floor = curriculum(run)
    assert (grip["range"], grip["widths"]) == ("0.5 to 0.7", "0.25 → 0.25 → 0.5")
    assert (grip["edge"], grip["interval"]) == ("4 of 4", "51.0\u202f% to 100.0\u202f%")
    assert (floor["range"], floor["edge"], floor["interval"]) == ("wood, tile", "", "")


def test_without_a_curriculum_there_is_no_table():
    assert curriculum(run_of()) == curriculum(run_of({})) == []
    assert curriculum(run_of({"parameters": [{"name": "grip"}]})) == []
