"""Coverage: of each failure mode, whether it was generated, rolled out and passed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.data.dataset import open_dataset
from loopyard.evaluation.by_mode import ModeResult, mode_result
from loopyard.evaluation.record import RolloutRecord, read_records
from loopyard.scenarios.registry import Registry

PASS_BAR = 0.8
DATASET_MARK = Path("meta/info.json")
SUITE_ORDER = ("train", "select", "gate")
WANTED = "a run folder, a folder of rollouts, a rollouts file (.jsonl) or a dataset"


@dataclass(frozen=True)
class Evidence:
    """What was made and driven. episodes: modes of the dataset episodes that were kept.
    rollouts: records of one file each, what counts most last."""

    episodes: tuple[str, ...]
    rollouts: tuple[tuple[RolloutRecord, ...], ...]


@dataclass(frozen=True)
class ModeCoverage:
    """One mode. rolled_out: of the latest file that holds drives of it, the latest policy there."""

    id: str
    generated: int
    rolled_out: ModeResult
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "generated": self.generated, **self.rolled_out.to_dict()} | {
            "passed": self.passed
        }


def read_evidence(paths: Iterable[Path]) -> Evidence:
    """What lies at these paths: run folders, folders or files of rollouts, datasets.

    Of a run folder: each cycle's datasets and rollouts, in their order, its gate after its select.

    Raises:
        DatasetError: a path is none of these, or cannot be read.
    """
    episodes: list[str] = []
    files: list[Path] = []
    for path in paths:
        if (path / "cycles").is_dir():
            for cycle in sorted((path / "cycles").iterdir()):
                for folder in sorted(cycle.iterdir()):
                    if (folder / DATASET_MARK).exists():
                        episodes += _episodes(folder)
                files += _rollout_files(cycle / "rollouts")
        elif (path / DATASET_MARK).exists():
            episodes += _episodes(path)
        elif path.is_file() and path.suffix == ".jsonl":
            files.append(path)
        elif found := _rollout_files(path):
            files += found
        else:
            raise DatasetError(expected(str(path), "content", "none of these", WANTED))
    return Evidence(tuple(episodes), tuple(tuple(read_records(file)) for file in files))


def coverage(registry: Registry, evidence: Evidence, bar: float = PASS_BAR) -> list[ModeCoverage]:
    """One row a mode. A mode is passed when its success rate is at least ``bar``; safety
    violations stand beside that and are no part of it."""
    generated = Counter(evidence.episodes)
    rows = []
    for mode in registry.modes:
        result = mode_result(record.outcome for record in _latest(mode.id, evidence.rollouts))
        passed = result.rate is not None and result.rate >= bar
        rows.append(ModeCoverage(mode.id, generated[mode.id], result, passed))
    return rows


def _latest(id: str, rollouts: Sequence[Sequence[RolloutRecord]]) -> list[RolloutRecord]:
    for records in reversed(rollouts):
        mine = [record for record in records if record.scenario.mode == id]
        if mine:
            return [record for record in mine if record.policy == mine[-1].policy]
    return []


def _episodes(root: Path) -> list[str]:
    scenarios = (episode.scenario or {} for episode in open_dataset(root).episodes)
    return [scenario["mode"] for scenario in scenarios if scenario.get("mode")]


def _rollout_files(folder: Path) -> list[Path]:
    def place(file: Path) -> tuple[int, str]:
        known = file.stem in SUITE_ORDER
        return SUITE_ORDER.index(file.stem) if known else len(SUITE_ORDER), file.name

    return sorted(folder.glob("*.jsonl"), key=place)
