"""Lessons in Markdown: a page a cycle, and a summary of all of them."""

from __future__ import annotations

from collections.abc import Iterable

from loopyard.cycle.lessons.changes import Outcome
from loopyard.cycle.lessons.ledger import Entry, Ledger


def page(ledger: Ledger) -> str:
    """What a cycle taught, what the next one does about it, and what became of earlier lessons."""
    cycle = ledger.cycle
    blocks = [f"# Lessons of cycle {cycle}", _counted(ledger)]
    begun = ledger.outcomes(cycle)
    if begun:
        blocks += [f"## What cycle {cycle} was changed by", _outcomes(begun, named=True)]
    for entry in ledger.learned:
        blocks += [f"## {entry.name}", _lesson(entry, cycle)]
    if ledger.settled:
        blocks += ["## Retired", "\n".join(f"- {became(entry)}" for entry in ledger.settled)]
    return "\n\n".join(blocks) + "\n"


def summary(ledger: Ledger) -> str:
    """Every lesson so far, one row each."""
    head = ["lesson", "category", "who applies it", "came in cycle", "figure", "what became of it"]
    rows = [
        [
            entry.name,
            entry.lesson.category,
            entry.lesson.role,
            ", ".join(map(str, entry.came)),
            entry.lesson.figure.name + ": " + course(entry),
            became(entry, named=False),
        ]
        for entry in ledger.entries
    ]
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)
    return f"# Lessons of {ledger.cycle} cycles\n\n{table if rows else 'None so far.'}\n"


def became(entry: Entry, *, named: bool = True) -> str:
    """A sentence on where a lesson stands."""
    name = f"{entry.name}: " if named else ""
    changes = "; ".join(outcome.text for outcome in entry.applied)
    if entry.state == "retired":
        return f"{name}retired: {changes}; the figure went {course(entry)}"
    if entry.state == "gone":
        return f"{name}gone without a change; the figure went {course(entry)}"
    last = "; ".join(outcome.text for outcome in entry.outcomes[-len(entry.lesson.changes) :])
    if not entry.lesson.changes:
        last = f"for {entry.lesson.role}: no setting does it"
    return f"{name}{'escalated' if entry.escalated else 'open'}: {last}"


def course(entry: Entry) -> str:
    """``12.1 -> 3.4 (cycles 1 -> 2)``."""
    values = " -> ".join(f"{value:.3g}" for _, value in entry.figures)
    cycles = " -> ".join(str(cycle) for cycle, _ in entry.figures)
    return f"{values} (cycle{'s' if len(entry.figures) > 1 else ''} {cycles})"


def _counted(ledger: Ledger) -> str:
    learned, settled = ledger.learned, ledger.settled
    again = sum(entry.escalated for entry in learned)
    retired = sum(entry.state == "retired" for entry in settled)
    return (
        f"Lessons: {len(learned)}, of which not for the first time: {again}. Retired: {retired}. "
        f"Gone by themselves: {len(settled) - retired}."
    )


def _lesson(entry: Entry, cycle: int) -> str:
    lesson = entry.lesson
    asked = ", ".join(f"`{change.text}`" for change in lesson.changes)
    lines = [
        f"- Category: {lesson.category}. Who applies it: {lesson.role}.",
        f"- Problem: {lesson.problem}",
        f"- Cause: {lesson.cause}",
        f"- Figure: {lesson.figure.text}",
        f"- Change asked for: {lesson.ask}{f' ({asked})' if asked else ''}",
    ]
    if entry.escalated:
        came = ", ".join(map(str, entry.came))
        lines.append(
            f"- Escalated to the Watcher: it came in cycles {came}; the figure went {course(entry)}"
        )
    outcomes = entry.asked_for(cycle + 1)
    if outcomes:
        lines += [f"- Cycle {cycle + 1}:", _outcomes(outcomes, indent="  ")]
    else:
        lines.append(f"- Cycle {cycle + 1}: nothing is changed; no setting does it.")
    return "\n".join(lines)


def _outcomes(outcomes: Iterable[Outcome], *, named: bool = False, indent: str = "") -> str:
    return "\n".join(
        f"{indent}- {'applied' if outcome.applied else 'not applied'}: {outcome.text}"
        + (f" ({outcome.lesson})" if named else "")
        for outcome in outcomes
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
