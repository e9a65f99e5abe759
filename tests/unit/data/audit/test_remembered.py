"""An audit is remembered as long as the folder is what it was."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from loopyard.data.audit import AuditReport, Check, remembered, remembered_audit


@pytest.fixture
def audits(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were really audited."""
    asked: list[Path] = []

    def audit(path: Path) -> AuditReport:
        asked.append(path)
        return AuditReport(str(path), [Check("number", "pass", str(len(asked)), "any")])

    monkeypatch.setattr(remembered, "audit", audit)
    return asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = tmp_path / "data/chunk-000/file.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"rows")
    return tmp_path


def test_an_unchanged_folder_is_audited_once(folder, audits):
    first = remembered_audit(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache/frames").write_bytes(b"decoded")
    assert remembered_audit(folder) is first
    assert len(audits) == 1


def test_every_change_is_looked_at(folder, audits):
    file = folder / "data/chunk-000/file.parquet"
    remembered_audit(folder)
    times = file.stat()
    time.sleep(0.02)  # a file system tells times in ticks of some milliseconds
    file.write_bytes(b"rots")  # the same length, and the old time put back
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert remembered_audit(folder).checks[0].found == "2"
    (folder / "more").write_bytes(b"")
    remembered_audit(folder)
    (folder / "more").unlink()
    remembered_audit(folder)
    assert len(audits) == 4
