"""The page about the audit says what the code does."""

from __future__ import annotations

from defects import DEFECTS
from page import PAGE, written

from loopyard.data.audit.thresholds import Thresholds


def test_the_tables_are_those_of_the_code() -> None:
    text = PAGE.read_text()
    assert written(text) == text, "run tests/unit/data/audit/page.py"


def test_at_least_forty_kinds_are_planted() -> None:
    assert len({defect.what for defect in DEFECTS}) == len(DEFECTS) >= 40


def test_every_threshold_that_the_page_names_exists() -> None:
    text = PAGE.read_text()
    for name in ("chunk_size", "frozen_way", "length_sigmas"):
        assert name in Thresholds.model_fields
        assert f"`{name}`" in text
