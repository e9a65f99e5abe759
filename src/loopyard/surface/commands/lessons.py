"""What a campaign learned from its cycles: each lesson, its figure, and what became of it.

Example: loopyard lessons runs/demo --cycle 2
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """Which run, and after which cycle."""

    run: Annotated[Path, tyro.conf.Positional]
    """the run folder, such as runs/demo"""
    cycle: int | None = None
    """the whole page of this cycle; default: all lessons so far, a row each"""


def run(options: Options, console: Console) -> int:
    """Reads what the cycles wrote; changes nothing."""
    from loopyard.core.errors import ConfigError, expected
    from loopyard.cycle.lessons.learn import ledger_cycles, read_ledger
    from loopyard.cycle.lessons.writing import page

    if not (options.run / "campaign.yaml").is_file():
        raise ConfigError(expected(str(options.run), "run", "no campaign.yaml", "a run folder"))
    cycles = ledger_cycles(options.run)
    if options.cycle is not None and options.cycle not in cycles:
        wanted = f"one of {list(cycles)}, the cycles with lessons"
        raise ConfigError(expected(str(options.run), "--cycle", options.cycle, wanted))
    if not cycles:
        console.result({"cycle": None, "lessons": []}, "no cycle is finished yet")
        return 0
    ledger = read_ledger(options.run, options.cycle or cycles[-1])
    text = _table(ledger) if options.cycle is None else page(ledger).rstrip()
    console.result(_answer(ledger), text)
    return 0


def _answer(ledger: Any) -> dict[str, Any]:
    entries = [
        {"name": entry.name, "escalated": entry.escalated, **entry.model_dump(mode="json")}
        for entry in ledger.entries
    ]
    return {"cycle": ledger.cycle, "lessons": entries}


def _table(ledger: Any) -> str:
    from loopyard.cycle.lessons.writing import became, course
    from loopyard.surface.text_table import text_table

    if not ledger.entries:
        return f"no lessons in {ledger.cycle} cycles"
    head = ["lesson", "category", "who applies it", "came in", "figure", "what became of it"]
    rows = [
        [
            entry.name,
            entry.lesson.category,
            entry.lesson.role,
            ", ".join(map(str, entry.came)),
            course(entry),
            became(entry, named=False),
        ]
        for entry in ledger.entries
    ]
    return text_table(head, rows)
