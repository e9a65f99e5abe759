"""Numbers and settings in the words of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loopyard.surface.report.language import say

NONE = "–"  # noqa: RUF001  (an en dash stands for "nothing here")
SPACE = "\u202f"


def percent(share: float | None, digits: int = 1) -> str:
    """``96.5 %``, with a thin space; a dash for None."""
    return NONE if share is None else f"{100 * share:.{digits}f}{SPACE}%"


def count(number: float | None) -> str:
    """``12 345``: thousands apart by thin spaces."""
    return NONE if number is None else f"{number:,.0f}".replace(",", SPACE)


def part_of(successes: Any, n: Any) -> str:
    """``96 of 100``."""
    return say("{part} of {whole}", part=successes, whole=n)


def while_training(summaries: Mapping[int, Mapping[str, Any]]) -> str:
    """``15 of 16 after 900 steps``: the last of rollouts' summaries by the steps trained before."""
    whole = {steps: found for steps, found in summaries.items() if {"successes", "n"} <= set(found)}
    if not whole:
        return ""
    found = whole[max(whole)]
    success = part_of(found["successes"], found["n"])
    return say("{success} after {steps} steps", success=success, steps=count(max(whole)))


def interval(ends: Sequence[float | None]) -> str:
    """``88.0 % to 97.5 %`` of two shares 0..1."""
    low, high = ends
    return say("{low} to {high}", low=percent(low), high=percent(high))


def duration(seconds: float | None) -> str:
    """``45 s``, ``12 min 30 s``, ``18 min`` or ``1 h 05 min``."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return say("{n} s", n=f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        if rest:
            return say("{minutes} min {seconds:02} s", minutes=minutes, seconds=rest)
        return say("{minutes} min", minutes=minutes)
    return say("{hours} h {minutes:02} min", hours=minutes // 60, minutes=minutes % 60)


def figure(number: Any, digits: int = 3) -> str:
    """A measured number with few digits; a dash for None."""
    if number is None:
        return NONE
    return f"{number:.{digits}g}" if isinstance(number, float) else str(number)


def plain(name: str) -> str:
    """``brick_delivered`` -> ``brick delivered``."""
    return name.replace("_", " ")


def flat(settings: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (``section.name``, value) rows, in their own order."""
    if isinstance(settings, dict) and settings:
        return [
            row
            for name, value in settings.items()
            for row in flat(value, f"{prefix}.{name}" if prefix else str(name))
        ]
    if isinstance(settings, list) and any(isinstance(part, dict) for part in settings):
        return [
            row
            for index, value in enumerate(settings, 1)
            for row in flat(value, f"{prefix}.{index}")
        ]
    if isinstance(settings, list):
        return [(prefix, ", ".join(map(str, settings)) or NONE)]
    if isinstance(settings, bool):
        return [(prefix, "yes" if settings else "no")]
    if isinstance(settings, float):
        return [(prefix, f"{settings:.6g}")]
    return [(prefix, NONE if settings in (None, {}) else str(settings))]
