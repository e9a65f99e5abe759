"""The report's tables of strata and of the ladder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loopyard.surface.report.run_folder import CycleFolder, RunFolder
from loopyard.surface.report.strata_section import ladder, strata


def result(successes: int, n: int) -> dict[str, Any]:
    return {"successes": successes, "n": n, "rate": 0.5, "wilson_95": [0.25, 0.75]}


def cycle(number: int, *, gate: Any = None, select: Any = None, rungs: Any = None) -> CycleFolder:
    summaries = {
        name: {"strata": found} if found else {}
        for name, found in (("gate", gate), ("select", select))
    }
    return CycleFolder(
        number=number,
        facts={},
        losses=[],
        records={},
        summaries=summaries,
        videos=[],
        generate={},
        audit={},
        ladder={"rungs": rungs} if rungs else {},
    )


def run_of(*cycles: CycleFolder) -> RunFolder:
    return RunFolder(Path("run"), {}, {}, {}, {}, list(cycles))


SIDES = {"side": {"left": result(9, 10), "right": result(5, 10)}, "boxes": {"1": result(14, 20)}}


def test_each_value_of_what_differs_has_a_row():
    other = {"side": {"left": result(1, 1), "right": result(1, 1)}}
    found = strata(run_of(cycle(1, gate=SIDES), cycle(2, select=other)))
    assert found["suite"] == "gate"
    assert [(row["part"], row["value"]) for row in found["rows"]] == [
        ("side", "left"),
        ("side", "right"),
    ]
    assert found["rows"][0]["succeeded"] == "9 of 10"
    assert "25" in found["rows"][0]["interval"]


def test_before_the_gate_it_is_the_last_selection():
    found = strata(run_of(cycle(1, select=SIDES), cycle(2, select=SIDES)))
    assert found["suite"] == "select"
    assert len(found["rows"]) == 2


def test_without_strata_there_is_no_table():
    assert strata(run_of(cycle(1)))["rows"] == []
    assert strata(run_of(cycle(1, gate={"side": 3})))["rows"] == []
    assert ladder(run_of(cycle(1))) == []


def test_the_ladder_is_as_the_last_cycle_left_it():
    near = {"params": {"distance": "close"}, "open": True, **result(8, 10)}
    rest = {"params": {}, "open": False, **result(0, 0)}
    found = ladder(run_of(cycle(1, rungs=[rest]), cycle(2, rungs=[near, rest])))
    assert [row["rung"] for row in found] == ["distance close", "any scene"]
    assert [row["state"] for row in found] == ["open", "closed"]
    assert [row["succeeded"] for row in found] == ["8 of 10", ""]
