"""Rules on how training went."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from loopyard.cycle.lessons.facts import CycleFacts
from loopyard.cycle.lessons.lesson import Figure, Lesson, times

LAGGING = 10.0
"""A channel whose loss is more than so many times the others' is not learned beside them."""
OVERFIT = 2.0
"""Validation over training loss, from here on the policy knows its data by heart."""
SCENES_FOR = {"steering": "avoid", "bucket": "scoop", "lift": "scoop"}
"""For action channels: a word in the function of failure modes whose scenes call for them."""


def lagging_channel(facts: CycleFacts) -> Iterator[Lesson]:
    """One action channel is learned much worse than the others."""
    for channel, ratio, evidence in _lags(facts):
        yield Lesson(
            about=channel,
            category="training",
            role="Training",
            figure=_lag(channel, ratio),
            problem=f"{channel} is learned much worse than the other channels",
            cause=f"all channels weigh alike in the loss: {evidence}",
            ask=f"weigh {channel} twice as much",
            changes=(times(f"train.channel_weights.{channel}", 2.0),),
        )


def scenes_for_lagging_channel(facts: CycleFacts) -> Iterator[Lesson]:
    """The same channel, seen from the data: too few scenes that need it."""
    for channel, ratio, evidence in _lags(facts):
        if channel in SCENES_FOR:
            word = SCENES_FOR[channel]
            yield Lesson(
                about=channel,
                category="data",
                role="DomainExpert",
                figure=_lag(channel, ratio),
                problem=f"{channel} is learned much worse than the other channels",
                cause=f"too few scenes in which {channel} matters: {evidence}",
                ask=f"twice as many scenes of modes that concern '{word}'",
                changes=(times(f"scenarios.weights.{word}", 2.0),),
            )


def overfit(facts: CycleFacts) -> Iterator[Lesson]:
    """Training loss far below validation loss."""
    if not facts.validation or not facts.losses[-1].get("loss"):
        return
    train, held_out = facts.losses[-1]["loss"], facts.validation[-1][1]
    yield Lesson(
        category="training",
        role="Training",
        figure=Figure(name="validation over training loss", value=held_out / train, limit=OVERFIT),
        problem="the policy knows its data by heart",
        cause=f"training loss {train:.3g}, {held_out:.3g} on episodes that were left out",
        ask="more data, and more variation of it",
        changes=(times("cycles.rollouts", 1.5), times("train.augmentation.state_noise", 2.0)),
    )


def out_of_memory(facts: CycleFacts) -> Iterator[Lesson]:
    """Batches had to be cut to fit the memory."""
    if "pieces" not in facts.progress:
        return
    pieces = facts.progress["pieces"]
    factor = max(2, pieces)
    yield Lesson(
        category="technical",
        role="Training",
        figure=Figure(name="pieces a batch was cut into", value=pieces, limit=1),
        problem="a batch did not fit the memory",
        cause=f"{facts.settings['train'].get('batch_size', 'the default')} samples at once; "
        f"training went on with each batch in {pieces} pieces",
        ask=f"batches {factor} times smaller, {factor} times as many a step",
        changes=(times("train.batch_size", 1 / factor), times("train.accumulate", factor)),
    )


def bad_numbers(facts: CycleFacts) -> Iterator[Lesson]:
    """Losses or gradients that were not finite."""
    if "rollbacks" not in facts.progress:
        return
    skipped, rollbacks = len(facts.progress.get("skipped", [])), facts.progress["rollbacks"]
    yield Lesson(
        category="technical",
        role="Training",
        figure=Figure(name="batches with bad numbers", value=skipped + rollbacks, limit=0),
        problem="loss or gradient was not finite",
        cause=f"{skipped} batches were skipped, {rollbacks} times training went back to a "
        "checkpoint; evidence is in checkpoints/bad-step-*.json",
        ask="half the learning rate",
        changes=(times("train.lr", 0.5),),
    )


def _lags(facts: CycleFacts) -> Iterator[tuple[str, float, str]]:
    """(channel, its loss over the median of the others', both told)."""
    losses = facts.channel_losses
    for channel, loss in losses.items():
        others = [other for name, other in losses.items() if name != channel]
        if others and median(others) > 0:
            usual = median(others)
            yield channel, loss / usual, f"loss {loss:.3g}, the others {usual:.3g}"


def _lag(channel: str, ratio: float) -> Figure:
    return Figure(name=f"loss of {channel} over the others'", value=ratio, limit=LAGGING)


TRAINING_RULES = (
    lagging_channel,
    scenes_for_lagging_channel,
    overfit,
    out_of_memory,
    bad_numbers,
)
