"""What an audit says, and the table of numbers it judges by."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Thresholds:
    """Every number an audit judges by. Shares are of frames.

    The predecessor's rules are: 50 episodes, one value over 70 % or constant over 50 % of the time
    warns, lengths within three sigma, no black frames. Its first data had 76 % zeros in one channel
    and 84 % in another, and the policy learned to do nothing.
    """

    episodes_warn: int = 50
    """Fewer warn."""
    zero_value: float = 1e-3
    """An action under this, in magnitude, counts as zero."""
    zero_warn: float = 0.70
    """A channel that is zero more often warns."""
    idle_fail: float = 0.90
    """All channels zero at once more often fails: there is next to nothing to learn."""
    saturated_value: float = 0.99
    """An action beyond this share of its limit counts as saturated."""
    saturated_warn: float = 0.70
    """A channel that is saturated more often warns."""
    constant_value: float = 1e-6
    """A step between two frames under this counts as no change."""
    constant_warn: float = 0.50
    """A channel without change more often warns."""
    length_sigmas: float = 3.0
    """An episode whose length is further from the mean warns, from 10 episodes on."""
    range_slack: float = 1e-4
    """Beyond its limits by more than this fails for an action and warns for a state."""
    timestamp_slack_s: float = 1e-4
    """LeRobot's own tolerance."""
    stats_slack: float = 1e-3
    """meta/stats.json against the data, relative to the channel's spread."""
    black_level: int = 12
    """A frame with no pixel above this level (0..255) is black."""
    sampled_episodes: int = 64
    """Episodes of which frames are decoded, unless the audit is thorough."""
    sampled_frames: int = 20
    """Frames in a row of each of them."""


@dataclass(frozen=True)
class Check:
    """One question and its answer. where: the file, column or episode it is about."""

    name: str
    verdict: Verdict
    found: str
    expected: str
    where: str = ""


@dataclass(frozen=True)
class AuditReport:
    """All checks of a dataset. verdict: the worst of theirs."""

    path: str
    checks: list[Check]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        found = {check.verdict for check in self.checks}
        return "fail" if "fail" in found or not found else "warn" if "warn" in found else "pass"

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "verdict": self.verdict,
            "facts": self.facts,
            "checks": [asdict(check) for check in self.checks],
        }
