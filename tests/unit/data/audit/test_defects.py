"""Each planted defect is found under its right name, and clean datasets raise no alarm."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from defects import BASES, DEFECTS, Defect

from loopyard.data.audit import Thresholds, audit

FEW = Thresholds(episodes_warn=1, frames_warn=0, frames_a_parameter_warn=0)
"""The bases are small, so that many can be looked at."""


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A clean dataset by its name in BASES, made once."""
    made: dict[str, Path] = {}

    def give(name: str) -> Path:
        if name not in made:
            made[name] = BASES[name](tmp_path_factory.mktemp("base") / name)
        return made[name]

    return give


@pytest.mark.parametrize("name", BASES)
def test_the_bases_are_clean(clean: Callable[[str], Path], name: str) -> None:
    report = audit(clean(name), thorough=True, thresholds=FEW)
    wrong = [check for check in report.checks if check.verdict != "pass"]
    assert not wrong


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.what.replace(" ", "_"))
def test_a_planted_defect_is_found_by_name(
    clean: Callable[[str], Path], tmp_path: Path, defect: Defect
) -> None:
    root = tmp_path / "damaged"
    shutil.copytree(clean(defect.base), root)
    defect.plant(root)
    report = audit(root, thorough=defect.thorough, thresholds=FEW)
    found = {(check.name, check.verdict) for check in report.checks if check.verdict != "pass"}
    assert (defect.check, defect.verdict) in found, found


def test_each_defect_stands_once() -> None:
    assert len({defect.what for defect in DEFECTS}) == len(DEFECTS)
