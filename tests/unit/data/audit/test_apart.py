"""An audit in a process of its own says the same, and outlives what kills its reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crashing import Crashing

from loopyard.data.audit import Thresholds, audit
from loopyard.data.audit.apart import AuditJob, audit_apart
from loopyard.data.dataset import Dataset


def test_it_says_the_same(dataset: Dataset) -> None:
    limits = Thresholds(episodes_warn=3)
    job = AuditJob(dataset.root, limits, thorough=True, workers=1)
    here = audit(dataset.root, thresholds=limits, thorough=True)
    assert audit_apart(job).checks == here.checks


def test_a_dead_reader_is_a_failed_check() -> None:
    path: Any = Crashing()
    report = audit_apart(AuditJob(path, Thresholds()))
    assert report.verdict == "fail"
    assert "exit code 7" in report.checks[0].found


def test_without_video_no_video_is_opened(dataset: Dataset) -> None:
    for path in Path(dataset.root / "videos").rglob("*.mp4"):
        path.write_bytes(b"no video")
    report = audit(dataset.root, video=False)
    assert report.verdict != "fail"
    assert not [check for check in report.checks if check.name.startswith("video f")]
