"""The report's table of failure modes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopyard.cycle.feedback import learn
from loopyard.evaluation.by_mode import ModeResult
from loopyard.scenarios.registry import built_in_registry
from loopyard.surface.report.modes_section import failure_modes
from loopyard.surface.report.run_folder import CycleFolder, RunFolder

WALL, DIM = "FM-C01", "FM-A03"
FAILING, FINE = ModeResult(20, 0, 0), ModeResult(20, 19, 3)


def cycle(number: int, modes: dict[str, ModeResult], registry: Any, gate: Any = None) -> Any:
    plain = {mode: result.to_dict() for mode, result in modes.items()}
    summaries = {"select": {}, "gate": {"modes": gate} if gate else {}}
    nothing: dict[str, Any] = {"facts": {}, "losses": [], "records": {}, "videos": []}
    return CycleFolder(
        number=number,
        summaries=summaries,
        generate={},
        audit={},
        modes=plain,
        registry=registry,
        **nothing,
    )


def run_of(*cycles: CycleFolder) -> RunFolder:
    return RunFolder(Path("run"), {}, {}, {}, {}, list(cycles))


@pytest.fixture
def run() -> RunFolder:
    registry = learn(built_in_registry(), {WALL: FAILING}, cycle=1)
    gate = {WALL: ModeResult(6, 3, 0).to_dict(), DIM: FINE.to_dict()}
    return run_of(
        cycle(1, {WALL: FAILING}, registry.model_dump(mode="json")),
        cycle(2, {WALL: FINE, DIM: FINE}, registry.model_dump(mode="json"), gate),
    )


def test_the_registry_is_shown_before_and_after(run):
    rows = {row["mode"]: row for row in failure_modes(run)["rows"]}
    assert len(rows) == 32
    assert rows[WALL]["occurrence"] == "8 → 9.68"
    assert rows[WALL]["priority"] == "20 → 24.2"
    assert rows[DIM]["occurrence"] == "8"
    assert rows[WALL]["cycles"] == "19 of 40"
    assert (rows[WALL]["judged"], rows[DIM]["judged"]) == ("3 of 6", "19 of 20")
    assert rows[DIM]["unsafe"] == "3 of 20"
    assert rows["FM-A01"]["judged"] == rows["FM-A01"]["cycles"] == ""


def test_coverage_counts_what_was_driven_and_passed(run):
    shown = failure_modes(run)
    assert shown["suite"] == "gate"
    assert shown["coverage"].startswith(
        "Of 32 modes, 2 were rolled out in the cycles and 2 on the gate scenes, where 1 succeeded"
    )


@pytest.mark.parametrize("registry", [{}, {"modes": "none"}, {"modes": [{"id": 3}]}])
def test_a_run_without_modes_has_no_table(registry):
    assert failure_modes(run_of(cycle(1, {}, registry)))["rows"] == []
    assert failure_modes(run_of())["rows"] == []
