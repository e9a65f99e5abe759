"""Rules on how the policy drove. They begin with the second cycle: what a policy that was only
cloned gets wrong is what the first labelled rollouts mend anyway."""

from __future__ import annotations

from collections.abc import Iterator

from loopyard.cycle.lessons.facts import CycleFacts
from loopyard.cycle.lessons.lesson import Change, Figure, Lesson, plus, times
from loopyard.cycle.messages.roles import Role
from loopyard.evaluation.diagnosis.diagnosis import PATTERNS
from loopyard.evaluation.statistics import wilson

FROM_CYCLE = 2
FAILS = 0.5
"""Rollouts fail where success is under this for sure (upper end of Wilson's interval)."""
FINE = 2.0
FLAT = 0.9
"""Offline it is fine: validation loss under so many times training loss, and over this share of
what it was halfway: more training of the same kind would change little."""
OFTEN = 0.10
"""A pattern is one to act on where it shows in more of the rollouts for sure (lower end)."""
Remedy = tuple[str, Role, str, tuple[Change, ...]]

MORE_RECOVERIES = times("cycles.recoveries", 1.5)
REMEDIES: dict[str, Remedy] = {
    "LIFTING_LOOP_TRAP": (
        "the policy follows its own lift and bucket, not the picture",
        "Training",
        "hide the state in some samples, and recover more often",
        (plus("train.state_dropout", 0.1), MORE_RECOVERIES),
    ),
    "WALL_STUCK": (
        "too little data near the boundary",
        "DomainExpert",
        "more scenes with targets at the wall, and more recoveries",
        (times("scenarios.weights.FM-C01", 2.0), MORE_RECOVERIES),
    ),
    "SEARCH_STALL": (
        "too little data in which no target is in sight",
        "DomainExpert",
        "more scenes that are hard to see, and more recoveries",
        (times("scenarios.weights.detect", 2.0), MORE_RECOVERIES),
    ),
    "ACTION_COLLAPSE": (
        "the policy has averaged its labels to one value",
        "Training",
        "more labelled rollouts of it",
        (times("cycles.rollouts", 1.5), plus("dagger.share", 0.1)),
    ),
    "CHUNK_JERK": (
        "late steps of a chunk are learned less, and do not meet the next chunk",
        "Training",
        "let later steps of a chunk weigh more",
        (plus("train.step_weight_decay", 0.05),),
    ),
    "DROPPED_IN_TRANSPORT": (
        "too little data of driving with a load",
        "DomainExpert",
        "more scenes in which transport is hard",
        (times("scenarios.weights.transport", 2.0), MORE_RECOVERIES),
    ),
    "GHOST_TARGET": (
        "the policy takes for a target what is none",
        "DomainExpert",
        "more scenes with things that are no target",
        (times("scenarios.weights.classify", 2.0), MORE_RECOVERIES),
    ),
    "UNSAFE": (
        "too little data near what must not be touched or entered",
        "DomainExpert",
        "more scenes of the modes of safety (function F5)",
        (times("scenarios.weights.F5", 2.0), MORE_RECOVERIES),
    ),
    "STOPPED": (
        "where it stands, standing still is what its data shows next",
        "Training",
        "more labelled rollouts of it, and recover more often",
        (times("cycles.rollouts", 1.5), MORE_RECOVERIES),
    ),
    "STRAIGHT_AHEAD": (
        "the labels of both sides average to straight on: the instruction is not heeded",
        "Training",
        "more labelled rollouts of it",
        (times("cycles.rollouts", 1.5), plus("dagger.share", 0.1)),
    ),
    "WRONG_SIDE": (
        "the side is guessed: the instruction is not heeded",
        "Training",
        "more expert drives, so that a picture comes with both sides",
        (times("cycles.episodes", 1.5), times("cycles.rollouts", 1.5)),
    ),
    "HIT_BOX": (
        "too little data close to a box",
        "Training",
        "more labelled rollouts of it, and recover more often",
        (times("cycles.rollouts", 1.5), MORE_RECOVERIES),
    ),
    "HIT_WALL": (
        "too little data close to the boundary",
        "Training",
        "more labelled rollouts of it, and recover more often",
        (times("cycles.rollouts", 1.5), MORE_RECOVERIES),
    ),
    "MISSED_CUP": (
        "too little data of the last part of the way",
        "Training",
        "more labelled rollouts of it, and recover more often",
        (times("cycles.rollouts", 1.5), MORE_RECOVERIES),
    ),
}


def fails_where_offline_is_fine(facts: CycleFacts) -> Iterator[Lesson]:
    """The loss is low and no longer falls, and the robot does not work."""
    if facts.cycle < FROM_CYCLE or facts.select is None or not _offline_fine(facts):
        return
    yield Lesson(
        category="training",
        role="Training",
        figure=Figure(
            name="success on select, at most (Wilson 95 %)",
            value=facts.select.wilson_95[1],
            limit=FAILS,
            worse="below",
        ),
        problem=f"{facts.select} rollouts succeeded, and offline all looks well",
        cause="covariate shift: validation loss went "
        f"{_halfway(facts):.3g} -> {facts.validation[-1][1]:.3g} in the second half of training; "
        "the states where it fails are not in the data",
        ask="more labelled rollouts, a larger share of them, fewer epochs",
        changes=(
            times("cycles.rollouts", 1.5),
            plus("dagger.share", 0.1),
            times("cycles.epochs", 0.7),
        ),
    )


def frequent_pattern(facts: CycleFacts) -> Iterator[Lesson]:
    """Many rollouts fail in one and the same way."""
    if facts.cycle < FROM_CYCLE or not facts.diagnosed:
        return
    for pattern, count in facts.patterns.items():
        if pattern not in REMEDIES:
            continue
        cause, role, ask, changes = REMEDIES[pattern]
        surely = wilson(count, facts.diagnosed)[0]
        yield Lesson(
            about=pattern,
            category="data" if role == "DomainExpert" else "training",
            role=role,
            figure=Figure(
                name="share of rollouts that show it, at least (Wilson 95 %)",
                value=surely,
                limit=OFTEN,
            ),
            problem=f"{count} of {facts.diagnosed} rollouts: {PATTERNS[pattern]}",
            cause=cause,
            ask=ask,
            changes=changes,
        )


def worse_than_before(facts: CycleFacts) -> Iterator[Lesson]:
    """The policy drives worse than the one it was trained from."""
    if facts.select is None or facts.before is None:
        return
    gap = facts.before.wilson_95[0] - facts.select.wilson_95[1]
    yield Lesson(
        category="training",
        role="Training",
        figure=Figure(name="success lost for sure since the cycle before", value=gap, limit=0.0),
        problem=f"{facts.select} rollouts succeeded, {facts.before} in the cycle before",
        cause="what it had learned was overwritten by the new data",
        ask="rehearse more of the old data, at a lower rate",
        changes=(plus("dagger.share", -0.1), times("train.lr", 0.5)),
    )


def _halfway(facts: CycleFacts) -> float:
    """Validation loss halfway through training, or the first there is after that."""
    later = [loss for share, loss in facts.validation[:-1] if share >= 0.5]
    return later[0] if later else facts.validation[0][1]


def _offline_fine(facts: CycleFacts) -> bool:
    if len(facts.validation) < 2 or not facts.losses[-1].get("loss"):
        return False
    last = facts.validation[-1][1]
    return last <= FINE * facts.losses[-1]["loss"] and last >= FLAT * _halfway(facts)


ROLLOUT_RULES = (fails_where_offline_is_fine, frequent_pattern, worse_than_before)
