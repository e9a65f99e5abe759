"""The section on bottlenecks: each cycle's stages against their plan, and what would help."""

from __future__ import annotations

from typing import Any

from loopyard.cycle.accounts.history import History
from loopyard.cycle.accounts.review import cycle_facts
from loopyard.cycle.accounts.review_rules import RULES, CycleFacts
from loopyard.surface.report.language import say
from loopyard.surface.report.run_folder import RunFolder
from loopyard.surface.report.wording import NONE, duration, figure, percent

LEAST_SHARE = 0.01
"""A stage that takes less of a cycle is no bottleneck."""


def reviews(run: RunFolder, history: History) -> list[dict[str, Any]]:
    """Of each cycle that came to its selection: rows of its stages, advice in sentences."""
    facts = [
        cycle_facts(history, cycle.number, cycle.losses)
        for cycle in run.cycles
        if f"cycle-{cycle.number}/select" in history.facts
    ]
    return [{"cycle": one.cycle, "rows": _rows(one), "advice": advice(one)} for one in facts]


def advice(facts: CycleFacts) -> list[str]:
    """What the rules say, in the report's language."""
    found = (rule(facts) for rule in RULES)
    return [say(one.text, **one.figures) for one in found if one]


def _rows(facts: CycleFacts) -> list[dict[str, str]]:
    return [
        {
            "stage": stage.name,
            "planned": duration(stage.planned_s),
            "took": duration(stage.took_s),
            "factor": f"{stage.took_s / stage.planned_s:.2f}" if stage.planned_s else NONE,
            "busy": figure(stage.usage.busy) if stage.usage else NONE,
            "idle": percent(stage.usage.idle_share) if stage.usage else NONE,
        }
        for stage in facts.stages
        if stage.took_s >= LEAST_SHARE * facts.took_s
    ]
