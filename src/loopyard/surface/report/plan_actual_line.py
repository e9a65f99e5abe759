"""One line of plan against actual, and when a plan counts as right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loopyard.surface.report.language import say
from loopyard.surface.report.wording import NONE

WITHIN = 0.2
"""A plan is right where the actual figure is within this share of it."""


@dataclass(frozen=True)
class Line:
    """What was planned and what came, as text. right: None where there is nothing to judge."""

    what: str
    planned: str
    actual: str
    right: bool | None = None
    judged: str = ""


def line(
    what: str,
    planned: float | None,
    actual: float | None,
    show: Callable[[float | None], str],
    *,
    judge: bool = True,
) -> Line:
    """A line of two figures; judge: False while the actual one is still growing."""
    texts = (show(planned) if planned else NONE, show(actual))
    if not planned or actual is None or not judge:
        return Line(what, *texts)
    factor = actual / planned
    right = abs(factor - 1.0) <= WITHIN
    judged = say("right") if right else say("wrong: {factor} times", factor=f"{factor:.2f}")
    return Line(what, *texts, right, judged)
