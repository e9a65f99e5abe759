"""Plan against actual: the data a campaign made, and the figures its plan was made from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from loopyard.cycle.history import History
from loopyard.surface.report.language import say
from loopyard.surface.report.plan_actual_line import Line, line
from loopyard.surface.report.run_folder import RunFolder
from loopyard.surface.report.wording import count, figure, part_of, percent

DRIVES = ("data", "expert", "relabel", "recover")
SCENES_FILE = "scenarios.jsonl"
GENERAL = "general"


def data_mix(run: RunFolder, history: History, first: Mapping[str, Any]) -> Iterable[Line]:
    """Drives by who drove, frames, and the shares of general scenes and tiers."""
    cycles = first.get("cycles", ())
    done = [one for one in cycles if f"cycle-{one['cycle']}/select" in history.facts]
    expert = relabelled = recovered = failed = frames = 0
    for cycle in (one["cycle"] for one in done):
        facts = {stage: history.facts.get(f"cycle-{cycle}/{stage}", {}) for stage in DRIVES}
        driven = int(
            facts["data"].get("episodes") or 0
        )  # of the expert in cycle 1, then of policies
        expert += int(facts["expert"].get("episodes") or 0) + (driven if cycle == 1 else 0)
        relabelled += int(facts["relabel"].get("episodes") or 0) + (driven if cycle > 1 else 0)
        recovered += int(facts["recover"].get("episodes") or 0)
        failed += sum(int(one.get("failed") or 0) for one in facts.values())
        frames += sum(int(one.get("frames") or 0) for one in facts.values())
    rows = (
        (say("expert episodes"), "episodes", expert),
        (say("labelled policy drives"), "rollouts", relabelled),
        (say("recoveries"), "recoveries", recovered),
    )
    for what, name, made in rows:
        planned = sum(one.get(name) or 0 for one in done)
        if planned or made:
            yield line(what, planned, made, count)
    if failed:
        yield Line(say("drives that failed"), "", count(failed))
    if frames:
        yield Line(say("frames"), "", count(frames))
    yield from _tiers(run)


def _tiers(run: RunFolder) -> Iterable[Line]:
    scenarios = run.settings.get("scenarios")
    mix = scenarios.get("mix") if isinstance(scenarios, dict) else None
    modes = [mode for cycle in run.cycles for mode in _modes(run.root, cycle.number)]
    if not isinstance(mix, dict) or not modes:
        return
    tier_of = {
        mode.get("id"): f"tier_{mode.get('tier')}"
        for cycle in run.cycles
        for mode in cycle.registry.get("modes", [])
        if mode.get("tier")
    }
    made = Counter(GENERAL if mode is None else tier_of.get(mode, "") for mode in modes)
    if made[""]:  # without tiers in the registry only general scenes can be told from the rest
        made = Counter({GENERAL: made[GENERAL]})
    for name in (name for name in mix if name in made):
        yield Line(
            say("share of {kind} scenes", kind=name.replace("_", " ")),
            percent(mix[name], 0),
            f"{percent(made[name] / len(modes), 0)} ({part_of(made[name], len(modes))})",
        )


def _modes(root: Path, cycle: int) -> Iterable[str | None]:
    """The failure mode of each scene a cycle learned from, None of a general one."""
    path = root / f"cycles/{cycle:02}" / SCENES_FILE
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield json.loads(text).get("mode")
        except (ValueError, AttributeError):
            return


def parameters(run: RunFolder, history: History) -> Iterable[Line]:
    """What one of each thing was measured to cost beforehand, and what it cost in the end."""
    measured = run.measure or history.facts.get("measure", {})
    facts = history.facts

    def each(stages: tuple[str, ...], number: str, first: int = 1) -> float | None:
        """Median seconds of one, over the cycles from ``first`` on that made some."""
        found = [
            done["took_s"] / done[number]
            for step, done in facts.items()
            if step.partition("/")[2] in stages
            and int(step.partition("/")[0].removeprefix("cycle-") or 0) >= first
            and done.get(number)
            and done.get("took_s")
        ]
        return median(found) if found else None

    expert = ("expert",) if any(step.endswith("/expert") for step in facts) else ("data",)
    found = (
        (say("seconds for an expert episode"), "episode_s", _first(facts, expert)),
        (say("seconds for a training step"), "step_s", each(("train",), "steps")),
        (say("seconds for a rollout to select"), "rollout_s", each(("select",), "n")),
    )
    for what, name, actual in found:
        if measured.get(name) and actual:
            yield line(what, float(measured[name]), actual, figure)
    for name in ("policy", "batch_size", "lr"):
        value = (run.settings.get("train") or {}).get(name)
        if value is not None:
            yield Line(name, "", str(value))
    if measured.get("workers"):
        yield Line(say("workers"), "", str(measured["workers"]))


def _first(facts: Mapping[str, Any], stages: tuple[str, ...]) -> float | None:
    """Seconds of an expert episode, where a cycle's drives were the expert's and not made ahead."""
    for step, done in facts.items():
        if step in {f"cycle-1/{stage}" for stage in stages} and done.get("episodes"):
            return done["took_s"] / done["episodes"]
    return None
