"""What the simulation found keeps the gates' promises, and is what the documentation says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from loopyard.evaluation.gate import ALPHA, FLOOR, TARGET
from loopyard.evaluation.paired import FUTILE
from loopyard.evaluation.sequential_boundary import absolute_boundaries, chances

ROOT = Path(__file__).parents[3]
N = 200


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return json.loads((ROOT / "benchmarks/results/gate_power.json").read_text())


@pytest.fixture(scope="module")
def tables() -> list[list[list[float]]]:
    """The numbers of the rows of the page's tables, without the ends of intervals."""
    page = (ROOT / "docs/evaluate-and-judge.md").read_text()
    tables: list[list[list[float]]] = []
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        rows = [re.sub(r"\(.*?\)", "", row).split("|")[1:-1] for row in block.splitlines()[2:]]
        tables.append(
            [[float(cell.replace("%", "")) for cell in row] for row in rows if digits(row)]
        )
    return tables


def digits(row: list[str]) -> bool:
    return all(re.fullmatch(r"\s*[\d.]+( %)?\s*", cell) for cell in row)


def test_false_promotions_are_five_percent_at_most(found):
    assert found["reps"] >= 20_000
    assert (found["alpha"], found["futile"]) == (ALPHA, FUTILE)
    for row in found["absolute_errors"]:
        assert row["promoted_at_floor"]["rate"] <= ALPHA
        assert row["promoted_at_floor_exact"] <= ALPHA
        assert row["rejected_at_target_exact"] <= ALPHA
        low, high = row["promoted_at_floor"]["wilson_95"]
        assert low - 0.002 <= row["promoted_at_floor_exact"] <= high + 0.002
    for row in found["modes_of_different_difficulty"]:
        assert row["promoted_spread"]["rate"] <= ALPHA
    for row in found["paired"]["equal"]:
        assert row["promoted"]["rate"] <= ALPHA
        assert row["rejected"]["rate"] <= ALPHA


def test_the_figures_are_those_of_the_code(found):
    bounds = absolute_boundaries(N, TARGET, FLOOR, ALPHA, ALPHA)
    for rate, row in found["absolute_by_true_rate"]["linear spending (chosen)"].items():
        exact = chances(bounds, float(rate))
        assert row["promote"] == pytest.approx(exact.promote, abs=6e-5)
        assert row["reject"] == pytest.approx(exact.reject, abs=6e-5)
        assert row["scenes"] == pytest.approx(exact.mean_scenes, abs=0.06)


def test_the_page_says_what_was_found(found, tables):
    by_rate = found["absolute_by_true_rate"]
    wanted = []
    for rate, fixed in by_rate["fixed n (Wilson rule)"].items():
        row = by_rate["linear spending (chosen)"][rate]
        shares = [fixed["promote"], fixed["reject"], row["promote"], row["reject"]]
        saved = 100 - row["scenes"] / N * 100
        wanted.append([float(rate), *(100 * share for share in shares), row["scenes"], saved])
    compared = [
        [
            100 * row["wins"],
            100 * row["losses"],
            100 * row["promoted_at_fixed_n"]["rate"],
            100 * row["promoted"]["rate"],
            100 * row["rejected"]["rate"],
            row["scenes"],
            100 - row["scenes"] / N * 100,
        ]
        for name in ("equal", "better", "worse")
        for row in found["paired"][name]
    ]
    said = [table for table in tables if table]
    assert len(said) == 2
    for table, expected in zip(said, (wanted, compared), strict=True):
        assert len(table) == len(expected)
        for row, values in zip(table, expected, strict=True):
            assert row[:-2] == pytest.approx(values[:-2], abs=0.051)
            assert row[-2:] == pytest.approx(values[-2:], abs=0.51)
