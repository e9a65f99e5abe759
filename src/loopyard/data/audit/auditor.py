"""The audit: every check over one dataset, whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.data.audit import health, pictures
from loopyard.data.audit.integrity import episodes
from loopyard.data.audit.integrity.checks import check_rows
from loopyard.data.audit.integrity.files import check_files
from loopyard.data.audit.integrity.metadata import check_metadata, read_parts
from loopyard.data.audit.integrity.salvage import open_what_is_left
from loopyard.data.audit.pictures_frames import check_frames
from loopyard.data.audit.report import AuditReport, Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.executors.executor import Executor
from loopyard.executors.local import LocalExecutor

INTEGRITY: dict[str, Callable[[Dataset, Thresholds], Iterable[Check]]] = {
    "episodes": episodes.check_episodes,
    "lengths": episodes.check_lengths,
    "outcomes": episodes.check_outcomes,
    "rows": check_rows,
}
CHECKS = {**health.CHECKS}
"""Of a dataset that opens."""


def audit(
    path: str | Path,
    *,
    thorough: bool = False,
    thresholds: Thresholds | None = None,
    video: bool = True,
    executor: Executor | None = None,
) -> AuditReport:
    """Judge a dataset folder. Never raises for what is wrong with it: that is a failed check.

    Where the dataset does not open, each file is still looked at by itself, and so are the episodes
    of those that are whole.

    Args:
        thorough: decode every frame, not some of each of 64 episodes. video: False opens no video
            at all. executor: where frames are decoded; here, without one.
    """
    limits, root = thresholds or Thresholds(), Path(path)
    if not root.is_dir():
        found = DatasetError(expected(str(root), "folder", "nothing", "a dataset folder"))
        return AuditReport(str(path), [_broken("opens", found)])
    files = _run("files", lambda: check_files(root, video=video))
    if any(check.verdict == "fail" and check.name == "outside the folder" for check in files):
        return AuditReport(str(path), files)  # what lies elsewhere is not read
    opens, dataset, parts = _open(root)
    checks = [opens, *files, *_run("metadata", lambda: check_metadata(parts, video=video))]
    if dataset is None:
        return AuditReport(str(path), checks)
    of_integrity = dict(INTEGRITY)
    if video:
        of_integrity["video files"] = pictures.check_files
    for name, check in of_integrity.items():
        checks += _run(name, lambda check=check: check(dataset, limits))
    if video:
        here = executor or LocalExecutor(0)
        checks += _run("frames", lambda: check_frames(dataset, limits, here, thorough=thorough))
    unread = ("parquet content", "shape")
    if any(check.verdict == "fail" and check.name.startswith(unread) for check in checks):
        return AuditReport(str(path), checks)  # nothing is learned from rows that are not right
    if opens.verdict == "fail":  # statistics are those of the whole
        kept = [check for check in checks if not check.name.startswith(("statistics", "variance"))]
        return AuditReport(str(path), kept)
    for name, check in CHECKS.items():
        checks += _run(name, lambda check=check: check(dataset, limits))
    return AuditReport(str(path), checks, _facts(dataset, limits))


def _open(root: Path) -> tuple[Check, Dataset | None, Any]:
    """Does it open; it or what is left of it; and what can be read of its metadata."""
    parts = read_parts(root)
    try:
        dataset = open_dataset(root)
    except DatasetError as error:
        left = None
        try:
            left = open_what_is_left(parts)
        except Exception as other:  # as in `_run`
            return _broken("opens", other), None, parts
        return _broken("opens", error), left, parts
    return Check("opens", "pass", "LeRobot v3.0", "LeRobot v3.0", str(root)), dataset, parts


def _run(name: str, check: Callable[[], Iterable[Check]]) -> list[Check]:
    found: list[Check] = []
    try:
        for answer in check():
            found.append(answer)
    except Exception as error:  # a damaged file may fail in any library; that too is an answer
        found.append(_broken(name, error))
    return found


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
