"""docs/diagnose.md: thresholds, classes and patterns as in the code, figures as measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

from loopyard.evaluation.diagnosis.diagnosis import CLASSES, PATTERNS
from loopyard.evaluation.diagnosis.thresholds import THRESHOLDS

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/diagnose.md").read_text()
CORRIDOR = json.loads((ROOT / "benchmarks/results/diagnosis_corridor.json").read_text())
RESULTS = json.loads((ROOT / "benchmarks/results/diagnosis.json").read_text())


def rows(heading: str) -> dict[str, list[str]]:
    """{first cell: the others} of the tables under a heading."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (.+) \|$", part, re.MULTILINE)
    return {cells[0].strip("`"): cells[1:] for row in found if (cells := row.split(" | "))}


def test_every_threshold_stands_there_with_its_value_and_reason():
    told = rows("Thresholds")
    for name, field in type(THRESHOLDS).model_fields.items():
        value, why = told.pop(name)
        assert float(value) == field.default, name
        assert why == field.description, name
    assert told.keys() <= {"", "name", "---", "threshold"}


def test_every_class_and_pattern_is_explained():
    for name, meaning in CLASSES.items():
        assert name in PAGE, name
        assert name in rows("Is it right?"), meaning
    assert rows("Patterns").keys() >= PATTERNS.keys()


def test_the_tables_are_what_was_measured():
    told = rows("Is it right?")
    for name, found in RESULTS["classes"].items():
        assert [int(cell) for cell in told[name]] == list(found.values()), name
    for name, four in RESULTS["patterns"].items():
        assert [int(cell) for cell in told[name]] == list(four.values()), name
    right = RESULTS["classes_right"]
    assert f"{right['right']} of {right['n']}" in PAGE


def test_the_corridors_tables_are_what_was_measured():
    part = PAGE.partition("\n## And in the corridor?\n")[2].partition("\n## ")[0]
    for name, found in CORRIDOR["main"].items():
        assert f"| {name} | {' | '.join(map(str, found.values()))} |" in part, name
    for name, four in CORRIDOR["patterns"].items():
        assert f"| {name} | {' | '.join(map(str, four.values()))} |" in part, name
    right = CORRIDOR["main_right"]
    assert f"{right['right']} of {right['n']}" in part
    assert right["rate"] >= 0.95
