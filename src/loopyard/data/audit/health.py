"""Every check of health and of memorising, by the name that a broken one is reported under."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from loopyard.core.errors import DatasetError
from loopyard.data.audit import (
    actions,
    coverage,
    drift,
    enough,
    lag,
    memorising,
    smoothness,
    strata,
    symmetry,
)
from loopyard.data.audit.drives import drives_of
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

CHECKS: dict[str, Callable[[Dataset, Thresholds], Iterable[Check]]] = {
    "actions": actions.check_shares,
    "distinct actions": actions.check_distinct,
    "coverage": coverage.check_coverage,
    "jumps": smoothness.check_jumps,
    "jerk": smoothness.check_jerk,
    "lag": lag.check_lag,
    "imbalance": strata.check_strata,
    "asymmetry": symmetry.check_symmetry,
    "instruction": symmetry.check_instructions,
    "drift": drift.check_drift,
    "enough": enough.check_enough,
    "memorising": memorising.check_memorising,
}


def measured(dataset: Dataset, limits: Thresholds) -> dict[str, Any]:
    """The figures behind these checks, once they have run: plain JSON, empty for damaged data."""
    try:
        return drives_of(dataset, limits).measured
    except (DatasetError, ValueError, IndexError):
        return {}
