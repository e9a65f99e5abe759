"""What the names of steps mean."""

from __future__ import annotations


def stage_of(step: str) -> tuple[str, int | None]:
    """``cycle-2/train`` -> (``train``, 2), ``gate-2`` -> (``gate``, 2), ``plan`` -> (``plan``,
    None)."""
    head, slash, stage = step.partition("/")
    name, _, number = head.partition("-")
    return (stage if slash else name), (int(number) if number.isdecimal() else None)
