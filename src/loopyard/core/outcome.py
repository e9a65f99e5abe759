"""Outcome: how one drive ended, in the numbers every world can give."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The end of one episode or rollout.

    success: the world's own verdict. progress: 0..1. steps: control ticks driven.
    seconds: simulated time. reason: ``success``, ``timeout``, or what the world calls its failure.
    counts: how often each event happened (for the yard: brick_held, brick_delivered,
    brick_dropped, boundary_contact, furniture_contact ...). idle_share: share of ticks in which
    every action channel was under 0.05.
    """

    success: bool
    progress: float
    steps: int
    seconds: float
    reason: str
    counts: dict[str, int] = field(default_factory=dict)
    idle_share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Outcome:
        return cls(**data)
