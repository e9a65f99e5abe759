"""Statistics against the figures printed in the papers they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopyard.evaluation.statistics import compare, mcnemar_exact, wilson


# Newcombe 1998, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_table(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_tried_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_reaches_the_ends_exactly():
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_rate_and_mirrors(case):
    successes, n = case
    low, high = wilson(successes, n)
    assert 0.0 <= low <= successes / n <= high <= 1.0
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)
    assert wilson(successes, n, 0.99)[0] <= low


@pytest.mark.parametrize(
    ("successes", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)]
)
def test_wilson_refuses_impossible_counts(successes, n, confidence):
    with pytest.raises(ValueError, match="expected"):
        wilson(successes, n, confidence)


# Fagerland et al. 2013: airway hyper-responsiveness, 1 and 7 discordant pairs, p = 0.0703.
def test_mcnemar_gives_fagerlands_figure():
    assert mcnemar_exact(1, 7) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_exact(7, 1) == mcnemar_exact(1, 7)


def test_mcnemar_ends():
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 5) == 1.0
    assert mcnemar_exact(0, 6) == pytest.approx(2 / 64)
    assert 0.0 <= mcnemar_exact(200, 1800) < 1e-100


def test_compare_counts_only_scenes_both_drove():
    paired = compare({1: True, 2: True, 3: False, 9: True}, {1: True, 2: False, 3: True, 4: True})
    assert (paired.n, paired.wins, paired.losses) == (3, 1, 1)
    assert paired.rate_difference == 0.0
