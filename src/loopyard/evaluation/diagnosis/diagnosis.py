"""Diagnosis: what was wrong with a failed rollout, and what says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

CLASSES: dict[str, str] = {
    "F1": "never reached the target",
    "F2": "reached the target, did not take it",
    "F3": "took it, did not deliver it",
    "F4": "oscillation or loop",
    "F5": "collision or wedged",
    "F6": "pressed on the boundary",
}
"""What each class says of the open part of a drive: from the last delivery (or the start) on."""

UNDECIDED = "undecided"
"""Stands for the class where a world does not tell what deciding needs."""

PATTERNS: dict[str, str] = {
    "LIFTING_LOOP_TRAP": "lifts or carries with nothing held",
    "WALL_STUCK": "held up at the boundary",
    "SEARCH_STALL": "stays in one place and goes for no target",
    "ACTION_COLLAPSE": "one value all the time",
    "CHUNK_JERK": "jumps where chunks of actions meet",
    "DROPPED_IN_TRANSPORT": "let a load go that was not delivered",
    "GHOST_TARGET": "takes hold where no target is",
    "UNSAFE": "broke a safety rule",
    "STOPPED": "stands still on its way",
    "STRAIGHT_AHEAD": "drives straight on where it had to go round",
    "WRONG_SIDE": "passed on the side that was not named",
    "HIT_BOX": "drove into what it had to pass",
    "HIT_WALL": "drove into the boundary",
    "MISSED_CUP": "passed all, and drove past what it had to reach",
}
"""What each pattern says. Which of them are looked for in a drive, its world's signals decide."""


@dataclass(frozen=True)
class Evidence:
    """The time span in seconds, and the signal whose value against the threshold decided."""

    from_s: float
    to_s: float
    signal: str
    value: float
    threshold: float
    text: str

    @property
    def span_s(self) -> tuple[float, float]:
        return self.from_s, self.to_s


@dataclass(frozen=True)
class Finding:
    """A class (F1 to F6) or pattern with its evidence."""

    name: str
    evidence: Evidence

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, **asdict(self.evidence)}


@dataclass(frozen=True)
class Diagnosis:
    """failure: the class; None where the world does not tell what deciding needs (`missing`).

    onset_s: when the failure begins; onset_m: (x, y) where, None without a pose. progress: share of
    the drive's targets delivered by then, None where that is not told. looked_for: the patterns
    whose signals the world tells.
    """

    failure: Finding | None
    patterns: tuple[Finding, ...]
    onset_s: float
    onset_m: tuple[float, float] | None = None
    progress: float | None = None
    missing: tuple[str, ...] = ()
    looked_for: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        return self.failure.name if self.failure else None

    @property
    def first(self) -> Finding | None:
        """What explains the most: the class, or else the first pattern."""
        return next(filter(None, (self.failure, *self.patterns)), None)

    @property
    def pattern_names(self) -> tuple[str, ...]:
        return tuple(pattern.name for pattern in self.patterns)

    def to_dict(self) -> dict[str, Any]:
        return {
            "class": self.failure.to_dict() if self.failure else None,
            "patterns": [pattern.to_dict() for pattern in self.patterns],
            "onset_s": self.onset_s,
            "onset_m": self.onset_m,
            "progress": self.progress,
            "missing": list(self.missing),
        }
