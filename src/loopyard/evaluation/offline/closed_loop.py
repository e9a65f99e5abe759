"""What a checkpoint did in closed loop, by the rollout records that lie about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, LoopyardError, expected
from loopyard.core.seeds import split_of
from loopyard.evaluation.identity import policy_digest
from loopyard.evaluation.record import SceneKey, read_records
from loopyard.evaluation.statistics import wilson


@dataclass(frozen=True)
class ClosedLoop:
    """Drives of one checkpoint on scenes it did not learn from."""

    by_scene: dict[SceneKey, bool]

    @property
    def n(self) -> int:
        return len(self.by_scene)

    @property
    def successes(self) -> int:
        return sum(self.by_scene.values())

    @property
    def rate(self) -> float:
        return self.successes / self.n

    def to_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "successes": self.successes,
            "rate": self.rate,
            "wilson_95": list(wilson(self.successes, self.n)),
        }


def found_rollouts(
    checkpoint: Path, n_action_steps: int, places: Sequence[Path] = ()
) -> ClosedLoop | None:
    """Drives of this very policy in its cycle's ``rollouts/`` and in ``places``; None: no drive.

    places: files of records, or folders of them, as ``loopyard evaluate --out`` writes them. Where
    no record names this policy, its cycle's are taken if all are of the checkpoint that cycle.json
    names. Scenes of the ``train`` range are left out: a rate there says nothing of new ones.

    Raises:
        DatasetError: a place that does not exist, or a file that holds something else.
    """
    named = {
        policy_digest(checkpoint, n_action_steps=steps, temporal_ensemble=None)
        for steps in (None, n_action_steps)
    }
    cycle = checkpoint.resolve().parent.parent
    own = [
        record
        for suite in ("select", "gate")
        for record in read_records(cycle / "rollouts" / f"{suite}.jsonl")
    ]
    others = [record for path in _files(places) for record in read_records(path)]
    drives = [record for record in [*own, *others] if record.policy in named]
    if not drives and len({record.policy for record in own}) == 1 and _is_chosen(checkpoint, cycle):
        drives = own
    by_scene = {
        record.scene: record.outcome.success
        for record in drives
        if split_of(record.seed) != "train"
    }
    return ClosedLoop(by_scene) if by_scene else None


def on_shared_scenes(drives: Sequence[ClosedLoop | None]) -> list[ClosedLoop | None]:
    """All of them on the scenes that every one drove; each on its own where they share none."""
    driven = [part for part in drives if part is not None]
    shared = set.intersection(*(set(part.by_scene) for part in driven)) if driven else set()
    if not shared:
        return list(drives)
    return [
        part and ClosedLoop({scene: part.by_scene[scene] for scene in shared}) for part in drives
    ]


def _is_chosen(checkpoint: Path, cycle: Path) -> bool:
    """Whether a campaign's cycle drove this checkpoint: an older campaign's records name policies
    by a digest that is no longer computed."""
    try:
        named = json.loads((cycle / "cycle.json").read_text())["checkpoint"]
        chosen = cycle.parent.parent / named
        return policy_digest(chosen) == policy_digest(checkpoint)
    except (OSError, ValueError, KeyError, TypeError, LoopyardError):
        return False


def _files(places: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        if not place.exists():
            raise DatasetError(expected(str(place), "rollouts", "nothing", "a folder or a file"))
        found += sorted(place.rglob("*.jsonl")) if place.is_dir() else [place]
    return found
