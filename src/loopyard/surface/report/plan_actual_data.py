"""Plan against actual: the data a campaign made, and the figures its plan was made from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from loopyard.cycle.accounts.history import History
from loopyard.cycle.accounts.timeline import cycle_and_stage
from loopyard.surface.report.language import say
from loopyard.surface.report.plan_actual_line import Line, line
from loopyard.surface.report.run_folder import RunFolder
from loopyard.surface.report.wording import count, figure, part_of, percent

DRIVES = ("expert", "relabel", "recover")
SCENES_FILE = "scenarios.jsonl"
GENERAL = "general"
EXPERT = ("expert",)


def data_mix(run: RunFolder, history: History, first: Mapping[str, Any]) -> Iterable[Line]:
    """Drives by who drove, frames, and the shares of general scenes and tiers."""
    cycles = first.get("cycles", ())
    done = [one for one in cycles if f"cycle-{one['cycle']}/select" in history.facts]
    facts = [history.facts.get(f"cycle-{one['cycle']}/{s}", {}) for one in done for s in DRIVES]

    def made_by(stage: str) -> int:
        steps = (history.facts.get(f"cycle-{one['cycle']}/{stage}", {}) for one in done)
        return sum(int(step.get("episodes") or 0) for step in steps)

    rows = (
        (say("expert episodes"), "episodes", made_by("expert")),
        (say("labelled policy drives"), "rollouts", made_by("relabel")),
        (say("recoveries"), "recoveries", made_by("recover")),
    )
    for what, name, made in rows:
        planned = sum(one.get(name) or 0 for one in done)
        if planned or made:
            yield line(what, planned, made, count)
    for what, name in ((say("drives that failed"), "failed"), (say("frames"), "frames")):
        if total := sum(int(one.get(name) or 0) for one in facts):
            yield Line(what, "", count(total))
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
    found = (
        (say("seconds for an expert episode"), "episode_s", _each(history, EXPERT, "episodes")),
        (say("seconds for a training step"), "step_s", _each(history, ("train",), "steps")),
        (say("seconds for a rollout to select"), "rollout_s", _each(history, ("select",), "n")),
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


def _each(history: History, stages: tuple[str, ...], number: str) -> float | None:
    """Median over the cycles of the seconds one took; drives made ahead had not all the cores."""
    found = [
        done["took_s"] / done[number]
        for step, done in history.facts.items()
        if cycle_and_stage(step)[1] in stages and done.get(number) and not done.get("ahead")
    ]
    return median(found) if found else None
