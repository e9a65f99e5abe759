"""Correlation of metrics with success, and of too little with anything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopyard.evaluation.offline.correlation import LEAST_FOR_INTERVAL, correlate


def test_textbook_coefficients() -> None:
    """Spearman's of tied ranks is Pearson's of their means: 1, 2.5, 2.5, 4 and 1, 2, 3, 4."""
    found = correlate([1.0, 2.0, 2.0, 9.0], [0.1, 0.2, 0.3, 0.4])
    assert found.spearman == pytest.approx(0.948683, abs=1e-5)
    assert found.pearson == pytest.approx(np.corrcoef([1, 2, 2, 9], [1, 2, 3, 4])[0, 1])
    assert (found.n, found.spearman_95) == (4, None)  # too few for an interval


def test_a_metric_that_goes_with_success_has_a_narrow_interval() -> None:
    rng = np.random.default_rng(0)
    success = np.linspace(0, 1, 12)
    good = correlate((-success + rng.normal(0, 0.05, 12)).tolist(), success.tolist())
    assert good.spearman_95 is not None
    assert good.spearman_95[1] < -0.8
    values = np.random.default_rng(1).normal(size=12).tolist()
    noise = correlate(values, success.tolist())
    assert noise.spearman_95 is not None
    assert noise.spearman_95[0] < 0 < noise.spearman_95[1]
    assert noise == correlate(values, success.tolist())


@pytest.mark.parametrize(
    ("values", "success"),
    [([], []), ([1, 2], [0.1, 0.2]), ([1, 1, 1], [0, 0.5, 1]), ([1, 2, 3], [1, 1, 1])],
)
def test_too_few_or_nothing_that_varies(values, success) -> None:
    found = correlate(values, success)
    assert (found.pearson, found.spearman, found.pearson_95) == (None, None, None)


PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=9)


@settings(deadline=None, max_examples=30)
@given(PAIRS)
def test_coefficients_are_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    x, y = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    one, other = correlate(x, y), correlate(y, x)
    assert one.spearman == pytest.approx(other.spearman) if one.spearman is not None else True
    if one.spearman is not None:
        assert -1 <= one.spearman <= 1
        assert correlate([-v for v in x], y).spearman == pytest.approx(-one.spearman)
        assert (one.spearman_95 is None) or len(pairs) >= LEAST_FOR_INTERVAL
