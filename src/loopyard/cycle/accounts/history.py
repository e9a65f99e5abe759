"""What a campaign did and what it had planned, read from its run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopyard.cycle.accounts import usage
from loopyard.cycle.accounts.timeline import Span, Timeline, read_timeline
from loopyard.cycle.accounts.usage import Usage, UsageRow
from loopyard.cycle.journal import STEP_DONE
from loopyard.cycle.state import LOG
from loopyard.store.event_reader import read_events

PLAN = "plan"


@dataclass(frozen=True)
class History:
    """Steps with their times and facts, every plan in order, and how busy the machine was.

    facts: of each step that is done, by its name. plans: as `loopyard.cycle.planning.plan.Plan`
    gives them.
    """

    timeline: Timeline = field(default_factory=Timeline)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plans: tuple[Mapping[str, Any], ...] = ()
    rows: tuple[UsageRow, ...] = ()

    @property
    def own_spans(self) -> tuple[Span, ...]:
        """Without the steps made ahead, beside another one: the plan gives them no time."""
        ahead = {step for step, facts in self.facts.items() if facts.get("ahead")}
        return tuple(span for span in self.timeline.spans if span.step not in ahead)

    def took_s(self, step: str) -> float:
        """Running time of all tries at a step; 0 where there was none."""
        return sum(span.seconds for span in self.timeline.of(step))

    def usage(self, *steps: str) -> Usage | None:
        """How busy the machine was during steps; without one, all the time."""
        spans = [span for step in steps for span in self.timeline.of(step)]
        if not steps:
            return usage.usage_over(self.rows)
        return usage.usage_over(self.rows, [(span.begin_s, span.end_s) for span in spans])

    def stages(self, cycle: int) -> tuple[str, ...]:
        """The names of a cycle's steps without its number, in the order they began."""
        spans = (span for span in self.timeline.spans if span.cycle == cycle)
        return tuple(dict.fromkeys(span.stage for span in spans))

    def planned(self, cycle: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """A cycle as the last plan that has it, and that plan; {} and {} where none does."""
        for plan in reversed(self.plans):
            for part in plan.get("cycles", ()):
                if part.get("cycle") == cycle:
                    return part, plan
        return {}, {}


def read_history(folder: Path) -> History:
    """Of a run folder; what is not there is empty.

    Raises:
        StoreError: its event log cannot be read.
    """
    events = read_events(folder / LOG) if (folder / LOG).is_file() else []
    done = [event.data for event in events if event.kind == STEP_DONE]
    plans = [data["facts"] for data in done if data["step"].split("-")[0] == PLAN]
    return History(
        read_timeline(events),
        {data["step"]: data["facts"] for data in done},
        tuple(plans),
        tuple(usage.read_usage(folder / usage.NAME)),
    )


def planned_seconds(part: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, float]:
    """{stage: seconds} that a plan gave one of its cycles; a stage it says nothing of is missing.

    The cycle's share of what the plan gave all its cycles, by expert drives, labelled rollouts,
    minutes of training and scenes to select on.
    """
    seconds, cycles = plan.get("seconds") or {}, plan.get("cycles") or ()
    all_drives = sum(map(_expert_drives, cycles))
    expert_s = seconds.get("generate", 0.0) / all_drives if all_drives else 0.0
    scenes = sum(one.get("select") or 0 for one in cycles) + plan.get("gate", 0)
    found = {
        "expert": expert_s * (part.get("episodes") or 0),
        "recover": expert_s * (part.get("recoveries") or 0),
        "relabel": _share(part, cycles, "rollouts") * seconds.get("relabel", 0.0),
        "train": _share(part, cycles, "train_minutes") * seconds.get("train", 0.0),
        "select": (part.get("select") or 0) / scenes * seconds.get("judge", 0.0) if scenes else 0.0,
    }
    return {stage: each for stage, each in found.items() if each}


def _expert_drives(part: Mapping[str, Any]) -> int:
    return (part.get("episodes") or 0) + (part.get("recoveries") or 0)


def _share(part: Mapping[str, Any], cycles: Sequence[Mapping[str, Any]], name: str) -> float:
    total = sum(cycle.get(name) or 0 for cycle in cycles)
    return (part.get(name) or 0) / total if total else 0.0
