"""The bottleneck review of a cycle: where its time went against the plan, and what would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loopyard.cycle.accounts.history import History, planned_seconds, read_history
from loopyard.cycle.accounts.review_rules import RULES, CycleFacts, Rule, Stage
from loopyard.store.atomic import write_json
from loopyard.training.journal import read_journal

NAME = "review.json"
LEAST_CHECKS = 4
"""Validation losses that it takes to speak of the lowest."""


def review(facts: CycleFacts, rules: Sequence[Rule] = RULES) -> dict[str, Any]:
    """The content of review.json: each stage against its plan, utilisation, and what would help."""
    found = (rule(facts) for rule in rules)
    return {
        "cycle": facts.cycle,
        "took_s": facts.took_s,
        "stages": [
            {
                "stage": stage.name,
                "took_s": stage.took_s,
                "planned_s": stage.planned_s,
                "busy": stage.usage.busy if stage.usage else None,
                "idle_share": stage.usage.idle_share if stage.usage else None,
            }
            for stage in facts.stages
        ],
        "usage": facts.usage.to_dict() if facts.usage else None,
        "advice": [advice.to_dict() for advice in found if advice],
    }


def cycle_facts(history: History, cycle: int, losses: Sequence[Mapping[str, Any]]) -> CycleFacts:
    """From a campaign's history and the rows of the cycle's training log."""
    planned = planned_seconds(*history.planned(cycle))
    steps = {name: f"cycle-{cycle}/{name}" for name in history.stages(cycle)}
    stages = []
    for name, step in steps.items():
        made = history.facts.get(step, {})
        ahead = bool(made.get("ahead"))
        stages.append(
            Stage(
                name,
                history.took_s(step),
                None if ahead else planned.get(name),
                history.usage(step),
                int(made.get("episodes") or 0),
                ahead,
            )
        )
    measured = history.facts.get("measure", {})
    return CycleFacts(
        cycle=cycle,
        stages=tuple(stages),
        usage=history.usage(*steps.values()),
        workers=int(measured.get("workers") or 1),
        best_at=_best_at(losses),
    )


def write_review(folder: Path, cycle: int) -> dict[str, Any]:
    """Review a finished cycle of a run folder, into ``cycles/NN/review.json``.

    Raises:
        StoreError: the event log cannot be read.
    """
    place = folder / f"cycles/{cycle:02d}"
    log = place / "checkpoints/log.jsonl"
    losses = read_journal(log) if log.is_file() else []
    found = review(cycle_facts(read_history(folder), cycle, losses))
    write_json(place / NAME, found)
    return found


def _best_at(losses: Sequence[Mapping[str, Any]]) -> float | None:
    """Share of training at which validation loss was lowest; None where it was not looked at."""
    seen = [(row["val_loss"], row["step"]) for row in losses if row.get("val_loss") is not None]
    if len(seen) < LEAST_CHECKS:
        return None
    return min(seen)[1] / max(row["step"] for row in losses)
