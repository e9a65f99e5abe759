"""Rules on what data there was, and how fast it came."""

from __future__ import annotations

from collections.abc import Iterator

from loopyard.cycle.lessons.facts import CycleFacts
from loopyard.cycle.lessons.lesson import Figure, Lesson, times
from loopyard.cycle.lessons.of_training import SCENES_FOR
from loopyard.evaluation.statistics import wilson

IDLE = 0.80
"""A channel that is zero in more of the frames teaches to do nothing: with 84 % it did."""
EXPERT_FAILS = 0.20
"""An expert that fails more often for sure wastes data, and teaches what it can do alone."""
SHORT = 0.8
"""Less than this share of the planned drives: the plan knew a faster machine."""
DRIVES = {
    "episodes": ("demonstrated", "expert drives"),
    "rollouts": ("rollouts", "labelled rollouts"),
}
"""By the plan's name of them: what generate.json calls those that were made, and what they are."""


def idle_channel(facts: CycleFacts) -> Iterator[Lesson]:
    """An action channel that is nearly always zero."""
    for channel, share in facts.shares("zero").items():
        word = SCENES_FOR.get(channel)
        yield Lesson(
            about=channel,
            category="data",
            role="DomainExpert",
            figure=Figure(name=f"share of frames with {channel} zero", value=share, limit=IDLE),
            problem=f"{channel} is zero in {share:.0%} of the frames: doing nothing is nearly "
            "always right",
            cause=f"too few moments that need {channel}",
            ask=f"more scenes that need {channel}",
            changes=(times(f"scenarios.weights.{word}", 2.0),) if word else (),
        )


def failing_expert(facts: CycleFacts) -> Iterator[Lesson]:
    """The expert itself does not manage its scenes."""
    made, failed = facts.made.get("demonstrated"), facts.made.get("failed")
    if not made or failed is None:
        return
    n = made + failed
    surely = wilson(failed, n)[0]
    yield Lesson(
        category="data",
        role="Developer",
        figure=Figure(
            name="expert fails, at least (Wilson 95 %)", value=surely, limit=EXPERT_FAILS
        ),
        problem="the expert fails its own task",
        cause=f"{failed} of {n} expert drives failed; the policy sees only the scenes it managed",
        ask="mend the expert; until then half the slips, which may throw it off",
        changes=(times("generate.noise.slips_per_s", 0.5),),
    )


def short_of_drives(facts: CycleFacts) -> Iterator[Lesson]:
    """Fewer drives than planned came in the time they had."""
    for kind, (made_name, text) in DRIVES.items():
        planned, made = facts.plan.get(kind), facts.made.get(made_name)
        if not planned or made is None:
            continue
        yield Lesson(
            about=text,
            category="process",
            role="Watcher",
            figure=Figure(
                name=f"{text} made of those planned",
                value=made / planned,
                limit=SHORT,
                worse="below",
            ),
            problem=f"{made} of {planned} {text} were made in their time",
            cause=f"drives came slower than the plan had measured{_rates(facts, kind)}",
            ask=f"plan fewer {text}",
            changes=(times(f"cycles.{kind}", round(max(0.5, made / planned), 2)),),
        )


def _rates(facts: CycleFacts, kind: str) -> str:
    measured = facts.measured.get("episode_s")
    if kind != "episodes" or not measured or not facts.made.get("expert_s"):
        return ""
    each_s = facts.made["expert_s"] / max(1, facts.made["demonstrated"])
    return f": {each_s:.2f} s each, {measured:.2f} s before"


DATA_RULES = (idle_channel, failing_expert, short_of_drives)
