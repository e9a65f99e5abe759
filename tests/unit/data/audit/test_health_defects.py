"""Every planted defect of health and memorising is found by name; the data without it is clean."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from defects import Defect
from defects.health import HEALTH, make_moving

from loopyard.data.audit import AuditReport, Thresholds, audit

LIMITS = Thresholds(episodes_warn=1)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_moving(tmp_path_factory.mktemp("moving") / "base")


def odd(report: AuditReport) -> dict[str, str]:
    return {check.name: check.verdict for check in report.checks if check.verdict != "pass"}


def test_the_base_is_clean_and_judged(moving: Path) -> None:
    report = audit(moving, thresholds=LIMITS)
    assert odd(report) == {}
    told = {check.name: check.found for check in report.checks if check.part != "integrity"}
    assert not [found for found in told.values() if "too little" in found]
    assert {"lag", "coverage", "frame index", "previous action", "state alone"} <= told.keys()


@pytest.mark.parametrize("defect", HEALTH, ids=lambda defect: defect.what)
def test_each_is_found_by_name(moving: Path, tmp_path: Path, defect: Defect) -> None:
    root = tmp_path / "planted"
    shutil.copytree(moving, root)
    defect.plant(root)
    assert odd(audit(root, thresholds=LIMITS)).get(defect.check) == defect.verdict
