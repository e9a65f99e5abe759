"""RolloutRecord: what is kept of one rollout, as one line of JSON; and files of such lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario

SceneKey = tuple[str, int]
"""A scene's name: the scenario's digest and the seed."""


@dataclass(frozen=True)
class RolloutRecord:
    """One drive of one policy on one scene.

    policy: digest of the policy and how it was executed. wall_s: this drive's share of the
    process's time. inference_p50_ms, inference_p99_ms: of the forward passes it took part in, each
    for `lockstep` worlds at once. video: path relative to the records' folder. metrics: as
    `loopyard.evaluation.metrics.rollout_metrics` gives them where signals were kept, and what a
    latency model did (`loopyard.policies.asynchronous.Timeliness`). drawn: what domain
    randomisation drew for the scene, by name.
    """

    seed: int
    scenario: Scenario
    outcome: Outcome
    policy: str = ""
    wall_s: float = 0.0
    inference_p50_ms: float = 0.0
    inference_p99_ms: float = 0.0
    lockstep: int = 1
    video: str | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    drawn: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes a rollout this one and no other: policy, scenario and seed."""
        return self.policy, self.scenario.digest, self.seed

    @property
    def scene(self) -> SceneKey:
        """The scene it was driven on."""
        return self.scenario.digest, self.seed

    def with_video(self, video: str) -> RolloutRecord:
        return replace(self, video=video)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "scenario": self.scenario.model_dump()}

    def to_json(self) -> str:
        """One line without its end."""
        return json.dumps(self.to_dict(), separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RolloutRecord:
        """Inverse of `to_dict`. Raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            **{
                **data,
                "scenario": Scenario.model_validate(data["scenario"]),
                "outcome": Outcome.from_dict(data["outcome"]),
            }
        )


def read_records(path: Path) -> list[RolloutRecord]:
    """The records of a JSONL file, in its order; none where there is no file.

    A last line without an end is what a killed process leaves, and is not a record.

    Raises:
        DatasetError: a whole line is not a rollout record; names the line.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [_parse(path, number, line) for number, line in enumerate(lines[:-1], 1) if line]


def _parse(path: Path, number: int, line: str) -> RolloutRecord:
    try:
        return RolloutRecord.from_dict(json.loads(line))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{path}: line {number}: found {line[:60]!r}, expected a rollout record "
            f"({type(error).__name__}); move the file away to begin anew"
        ) from error


def to_jsonl(records: Iterable[RolloutRecord]) -> str:
    return "".join(record.to_json() + "\n" for record in records)
