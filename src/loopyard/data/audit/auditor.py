"""The audit: every check over one dataset, whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError
from loopyard.data.audit import health, integrity, pictures
from loopyard.data.audit.report import AuditReport, Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset, open_dataset

CHECKS: dict[str, Callable[[Dataset, Thresholds], Iterable[Check]]] = {
    "episodes": integrity.check_episodes,
    "lengths": integrity.check_lengths,
    "outcomes": integrity.check_outcomes,
    "index": integrity.check_index,
    "timestamps": integrity.check_timestamps,
    "finite": integrity.check_finite,
    "range": integrity.check_ranges,
    "statistics": integrity.check_statistics,
    "video files": pictures.check_files,
    **health.CHECKS,
}


def audit(
    path: str | Path, *, thorough: bool = False, thresholds: Thresholds | None = None
) -> AuditReport:
    """Judge a dataset folder. Never raises for what is wrong with it: that is a failed check.

    thorough: decode every frame, not some of each of 64 episodes.
    """
    limits = thresholds or Thresholds()
    try:
        dataset = open_dataset(path)
    except DatasetError as error:
        return AuditReport(str(path), [_broken("opens", error)])
    checks = [Check("opens", "pass", "LeRobot v3.0", "LeRobot v3.0", str(dataset.root))]
    for name, check in CHECKS.items():
        checks += _run(name, lambda check=check: check(dataset, limits))
    checks += _run("frames", lambda: pictures.check_frames(dataset, limits, thorough=thorough))
    return AuditReport(str(path), checks, _facts(dataset, limits))


def _run(name: str, check: Callable[[], Iterable[Check]]) -> list[Check]:
    try:
        return list(check())
    except Exception as error:  # a damaged file may fail in any library; that too is an answer
        return [_broken(name, error)]


def _broken(name: str, error: Exception) -> Check:
    found = str(error) if isinstance(error, DatasetError) else repr(error)
    return Check(name, "fail", found, "a whole dataset")


def _facts(dataset: Dataset, limits: Thresholds) -> dict[str, Any]:
    own = dataset.own or {}
    return {
        "digest": dataset.digest,
        "episodes": dataset.num_episodes,
        "frames": dataset.num_frames,
        "fps": dataset.fps,
        "cameras": {part.name: [part.height, part.width] for part in dataset.spec.cameras},
        "failed_drives": own.get("failed"),
        "sources": _count(entry.source for entry in dataset.episodes),
        "measured": health.measured(dataset, limits),
    }


def _count(values: Iterable[str | None]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value or "unknown"] = counts.get(value or "unknown", 0) + 1
    return counts
