"""EpisodeRow: what is known of one recorded drive besides its frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from loopyard.core.outcome import Outcome
from loopyard.core.specs import WorldSpec

Source = Literal["expert", "policy"]


@dataclass(frozen=True)
class EpisodeRow:
    """One drive of one scene.

    slot: its place in the generation plan, which fixes its order in the dataset. seed and
    scenario give the scene. source: who drove (the labels are the expert's either way).
    length: frames. kept: False for a drive set apart in ``failed/``. meta: JSON facts of the
    maker's own, for example the noise that was used; ``task`` in it is the episode's instruction
    where that is another than the world's.
    """

    slot: int
    seed: int
    scenario: dict[str, Any]
    outcome: Outcome
    source: Source
    length: int
    kept: bool
    meta: dict[str, Any] = field(default_factory=dict)

    def task(self, spec: WorldSpec) -> str:
        """What the drive was to do: its own instruction, or that of its world."""
        return str(self.meta.get("task", spec.task))

    def to_dict(self) -> dict[str, Any]:
        return {
            "slot": self.slot,
            "seed": self.seed,
            "scenario": self.scenario,
            "outcome": self.outcome.to_dict(),
            "source": self.source,
            "length": self.length,
            "kept": self.kept,
            "meta": self.meta,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EpisodeRow:
        """Inverse of `to_dict`. Raises KeyError or TypeError on a malformed dict."""
        fields = dict(data)
        outcome = Outcome.from_dict(fields.pop("outcome"))
        return cls(outcome=outcome, **fields)
