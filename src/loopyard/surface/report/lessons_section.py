"""The section on lessons: what the cycles taught, and whether it helped."""

from __future__ import annotations

from typing import Any

from loopyard.core.errors import DatasetError
from loopyard.cycle.lessons.learn import ledger_cycles, read_ledger
from loopyard.cycle.lessons.ledger import Entry
from loopyard.cycle.lessons.writing import became, course
from loopyard.surface.report.run_folder import RunFolder


def lessons(run: RunFolder) -> list[dict[str, Any]]:
    """A row for each lesson, as it stands after the last cycle; [] where nothing was learned."""
    cycles = ledger_cycles(run.root)
    if not cycles:
        return []
    try:
        return [_row(entry) for entry in read_ledger(run.root, cycles[-1]).entries]
    except DatasetError as error:
        run.notes.append(f"{error}; left out")
        return []


def _row(entry: Entry) -> dict[str, Any]:
    lesson = entry.lesson
    return {
        "name": entry.name,
        "category": lesson.category,
        "role": lesson.role,
        "problem": lesson.problem,
        "came": ", ".join(map(str, entry.came)),
        "figure": f"{lesson.figure.name}: {course(entry)}",
        "became": became(entry, named=False),
    }
