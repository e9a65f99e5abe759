"""The announcer: what happens in a campaign, as messages of the roles that own its stages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loopyard.core.clock import Clock
from loopyard.cycle.messages.approval import ask
from loopyard.cycle.messages.message import Message, quoted
from loopyard.cycle.messages.messenger import Messenger
from loopyard.cycle.messages.roles import HANDOFFS, Kind, Role, owner_of
from loopyard.cycle.planning.plan import Plan

STEP = re.compile(
    r"(?:cycle-(?P<cycle>\d+)/)?(?P<stage>[a-z]+)(?:-(?P<of>\d+))?"
    r"(?: (?!again$)(?P<which>\w+))?(?: again)?"
)
MOST_TOLD = 3
"""Failed checks that a message names; the report beside it has them all."""

FIGURES = {
    "episode_s": "{:.2f} s an episode",
    "step_s": "{:.3f} s a training step",
    "rollout_s": "{:.2f} s a rollout",
    "verdict": "{}",
    "episodes": "{} episodes",
    "frames": "{} frames",
    "steps": "{} steps",
    "final_loss": "loss {:.4f}",
    "reason": "{}",
    "took_s": "took {:.0f} s",
}
ARTIFACTS = {
    "measure": "measure.json",
    "expert": "{folder}/{dataset}",
    "relabel": "{folder}/dataset",
    "recover": "{folder}/recovery",
    "audit": "{folder}/audit{dash_which}.json",
    "train": "{folder}/checkpoints/last",
    "select": "{folder}/rollouts/select.jsonl",
    "gate": "{folder}/rollouts/gate.jsonl",
    "lessons": "{folder}/lessons.md",
}
"""What a stage leaves in the run folder; without it, it is not done."""
TOLD_ELSEWHERE = ("plan",)


class Announcer:
    """Says what happens, once for all tries of a campaign."""

    def __init__(self, messenger: Messenger, clock: Clock) -> None:
        self._messenger, self._clock = messenger, clock
        self._plan: Plan | None = None

    def done(self, step: str, facts: Mapping[str, Any]) -> None:
        """A step of the journal is done, now or in an earlier try."""
        match = STEP.fullmatch(step)
        stage = match["stage"] if match else step
        if stage in TOLD_ELSEWHERE:
            return
        what = step.replace("cycle-", "cycle ").replace("/", ": ")
        if match and match["of"]:
            what = f"{stage} of cycle {match['of']}"
        if stage == "audit" and facts.get("verdict") == "fail":
            self._failed_audit(step, what, facts)
            return
        owner, figures = owner_of(stage), _figures(facts)
        artifact = _artifact(match, facts) if match else ""
        kind: Kind = "DONE" if artifact else "REPORT"
        self._post(f"{step}/done", kind, owner, f"{what}{_listed(figures)}", None, artifact)
        if artifact and (heir := HANDOFFS.get(stage)):
            self._post(
                f"{step}/handoff", "HANDOFF", owner, f"{what} is done, over to you", heir, artifact
            )

    def plan(self, plan: Plan) -> None:
        """The plan of a campaign, before its first cycle."""
        self._plan = plan
        minutes = plan.seconds["budget"] / 60
        text = f"{len(plan.cycles)} cycles in {minutes:.0f} min" + _listed(plan.warnings)
        self._post("plan/done", "DONE", "Watcher", text, None, "plan.json")

    def replan(self, plan: Plan) -> None:
        """The plan of what is left: tells how the next cycle's differs from what was planned."""
        earlier, self._plan = self._plan, plan
        coming = plan.cycles[0]
        for part in earlier.cycles if earlier else ():
            changed = changes(asdict(part), asdict(coming)) if part.cycle == coming.cycle else []
            if changed:
                text = f"cycle {coming.cycle} is planned anew{_listed([*changed, *plan.warnings])}"
                self._post(f"replan-{coming.cycle}", "REPORT", "Watcher", text)

    def _failed_audit(self, step: str, what: str, facts: Mapping[str, Any]) -> None:
        """Data that may not be trained on, and the request to make it anew."""
        bad = facts.get("failed", ())
        told = [_complaint(check) for check in bad[:MOST_TOLD]]
        more = [f"and {len(bad) - MOST_TOLD} more"] if len(bad) > MOST_TOLD else []
        self._post(f"{step}/blocked", "BLOCKED", "Training", f"{what}{_listed([*told, *more])}")
        text = f"{what}: generate this data again, with other scenes"
        self._post(f"{step}/again", "REQUEST", "Training", text, "Developer")

    def change(
        self,
        stage: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        why: str,
        beat: Callable[[], None] = lambda: None,
    ) -> bool:
        """Announce a change of configuration before the stage that uses it; whether to make it.

        With ``approve: manual`` this waits for a person; no answer in time means no. beat is
        called while it waits.
        """
        changed = changes(before, after)
        if not changed:
            return True
        text = f"{stage}: {quoted(why)}{_listed(changed)}"
        name = f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        settings, folder = self._messenger.settings, self._messenger.folder
        if settings.approve == "auto":
            self._post(f"{name}/change", "REPORT", "DomainExpert", text)
            return True
        within_s = 60.0 * settings.approve_within_minutes
        until = datetime.fromtimestamp(self._clock.wall() + within_s, UTC).strftime("%H:%M UTC")
        asked = f"{text}; waits until {until} for: loopyard approve {folder} (or --no)"
        self._post(f"{name}/change", "REQUEST", "DomainExpert", asked, "Watcher")
        answer = ask(folder, name, text, within_s, self._clock, beat=beat)
        told = {"yes": "approved", "no": "declined", "none": "no answer in time"}[answer]
        made = "made" if answer == "yes" else "not made"
        self._post(f"{name}/answer", "REPORT", "Watcher", f"{stage}: {told}; the change is {made}")
        return answer == "yes"

    def stopped(self, error: BaseException) -> None:
        """A campaign that ends with an error. One that a person stopped needs no message."""
        if isinstance(error, Exception):
            key = f"stopped-{self._clock.wall():.3f}"
            text = f"stopped: {type(error).__name__}: {quoted(error)}"
            self._post(key, "BLOCKED", "Watcher", text)

    def _post(
        self,
        key: str,
        kind: Kind,
        sender: Role,
        text: str,
        to: Role | None = None,
        artifact: str = "",
    ) -> None:
        self._messenger.post(Message(key, kind, sender, text, to, (artifact,) if artifact else ()))


def changes(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Settings that differ, as ``section.name: old -> new``."""
    told: list[str] = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            told += changes(old, new, f"{prefix}{name}.")
        elif old != new:
            told.append(f"{prefix}{name}: {_plain(old)} -> {_plain(new)}")
    return told


def _complaint(check: Mapping[str, Any]) -> str:
    """A failed `loopyard.data.audit.Check`, in words."""
    where = f" ({check['where']})" if check["where"] else ""
    return f"{check['name']}{where}: found {check['found']}, expected {check['expected']}"


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else quoted(value)


def _listed(parts: Sequence[str]) -> str:
    return f": {'; '.join(map(quoted, parts))}" if parts else ""


def _figures(facts: Mapping[str, Any]) -> list[str]:
    """What is known of a step, in words."""
    parts = []
    if facts.get("n") and "successes" in facts and "wilson_95" in facts:
        low, high = facts["wilson_95"]
        interval = f"(Wilson 95 % {low:.0%} to {high:.0%})"
        parts.append(f"{facts['successes']} of {facts['n']} drives succeeded {interval}")
    return parts + [form.format(facts[name]) for name, form in FIGURES.items() if name in facts]


def _artifact(match: re.Match[str], facts: Mapping[str, Any]) -> str:
    """The path in the run folder that shows a stage to be done; empty where it leaves none."""
    cycle = match["cycle"] or match["of"] or "0"
    if match["stage"] == "recover" and not facts.get("episodes"):
        return ""
    return ARTIFACTS.get(match["stage"], "").format(
        folder=Path(f"cycles/{int(cycle):02d}"),
        dataset=facts.get("dataset", "dataset"),
        dash_which=f"-{match['which']}" if match["which"] else "",
    )
