"""Where a campaign stands, from its event log, and what became of its supervisor; only reads.

Example: loopyard status runs/demo
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from loopyard.surface.console import Console, duration_text

if TYPE_CHECKING:
    from loopyard.cycle.state import CampaignState, StepState

SILENT_S = 60.0
"""A campaign at work notes a sign of life every few seconds; after so long something is wrong."""
STANDING = {
    "watching": "at work",
    "paused": "has given up",
    "refused": "has given up",
    "stopped": "stopped",
    "done": "done",
}
"""What a supervisor does that left word of this state."""
VERDICT_FACTS = ("verdict", "reason", "cycle", "n", "successes", "rate", "wilson_95")


@dataclass(frozen=True)
class Options:
    """Which run."""

    run: Annotated[Path, tyro.conf.Positional]
    """the run folder, such as runs/demo"""


def run(options: Options, console: Console) -> int:
    """Prints what is done, what is being worked on, and the time used and left; 0."""
    from loopyard.cycle.state import read_state

    state = read_state(options.run)
    now_s = time.time()
    answer = _answer(options.run, state, now_s)
    console.result(answer, _text(state, answer, now_s))
    return 0


def _standing(state: CampaignState, silent_s: float) -> str:
    if state.finished:
        return "finished"
    if state.stopped is not None:
        return "stopped"
    if not state.steps:
        return "beginning"
    return "running" if silent_s < SILENT_S else "silent"


def _answer(run: Path, state: CampaignState, now_s: float) -> dict[str, Any]:
    silent_s = max(0.0, now_s - (state.alive_wall_s or now_s))
    return {
        "run": str(run),
        "standing": _standing(state, silent_s),
        "steps": [{**vars(step), "done": step.done} for step in state.steps],
        "in_progress": [step.name for step in state.open],
        "cycles": state.cycles,
        "used_s": round(state.used_s, 1),
        "budget_s": state.budget_s,
        "left_s": None if state.left_s is None else round(state.left_s, 1),
        "began_wall_s": state.began_wall_s,
        "alive_wall_s": state.alive_wall_s,
        "silent_s": round(silent_s, 1),
        "stopped": state.stopped,
        "verdict": _verdict(state.verdict),
        "supervisor": _supervisor(run),
    }


def _verdict(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if facts is None else {name: facts[name] for name in VERDICT_FACTS if name in facts}


def _supervisor(run: Path) -> dict[str, Any] | None:
    """What `loopyard watch` left there, and whether it is still at work; None without one."""
    from loopyard.store.lease import WATCH, Lease, leases_of
    from loopyard.surface.watch.record import NAME, Record

    if not (run / NAME).is_file():
        return None
    alive = Lease(leases_of(run), WATCH).holder() is not None
    return {**Record.read(run).to_dict(), "alive": alive}


def _text(state: CampaignState, answer: Mapping[str, Any], now_s: float) -> str:
    lines = [f"{answer['run']}: {answer['standing']}"]
    if state.stopped is not None and not state.finished:
        lines.append(f"  stopped      {state.stopped}; loopyard run goes on from here")
    if state.verdict is not None:
        verdict = answer["verdict"]
        lines.append(f"  verdict      {verdict['verdict']}: {verdict.get('reason', '')}")
    lines.append(f"  time used    {duration_text(state.used_s)}{_budget(state)}")
    if state.alive_wall_s is not None:
        when = datetime.fromtimestamp(state.alive_wall_s, UTC)
        lines.append(
            f"  last sign    {duration_text(answer['silent_s'])} ago ({when:%Y-%m-%d %H:%M:%S} UTC)"
        )
    if answer["supervisor"] is not None:
        lines += _supervisor_lines(answer["supervisor"], now_s)
    cycles = "" if state.cycles is None else f", {state.cycles} cycles planned"
    lines.append(f"  done         {len(state.done)} steps{cycles}")
    lines += [_line(step, state) for step in state.steps]
    return "\n".join(lines)


def _supervisor_lines(found: Mapping[str, Any], now_s: float) -> list[str]:
    gone = found["state"] == "watching" and not found["alive"]
    standing = "gone; loopyard watch again goes on" if gone else STANDING[found["state"]]
    reason = f": {found['reason']}" if found["reason"] else ""
    lines = [f"  supervisor   {standing}{reason}"]
    if found["started_wall_s"] is not None:
        ago = duration_text(max(0.0, now_s - found["started_wall_s"]))
        lines.append(f"               runners started: {found['starts']}, the last {ago} ago")
    if found["failures"]:
        failures = ", ".join(f"{step} {count}" for step, count in found["failures"].items())
        lines.append(f"               failures: {failures}")
    return lines


def _budget(state: CampaignState) -> str:
    if state.budget_s is None or state.left_s is None:
        return ", the budget is not planned yet"
    return f" of {duration_text(state.budget_s)}, {duration_text(state.left_s)} left"


def _line(step: StepState, state: CampaignState) -> str:
    tries = f", try {step.tries}" if step.tries > 1 else ""
    if step.took_s is not None:
        return f"    {step.name:<20} {duration_text(step.took_s):>8}{tries}"
    what = "in progress" if step.running else "cut off"
    since = duration_text(state.used_s - step.began_s)
    return f"    {step.name:<20} {since:>8}, {what}{tries}"
