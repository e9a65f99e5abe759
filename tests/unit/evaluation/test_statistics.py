"""Statistics against the figures printed in the papers they come from."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopyard.evaluation.statistics import compare, confidence_sequence, mcnemar_exact, wilson


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


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.8, 0.9, 0.97])
def test_a_confidence_sequence_holds_at_all_looks_together(rate):
    """The chance that it misses at any of the first 120 looks, exactly; Wilson's for contrast."""
    missed = {}
    for interval in (confidence_sequence, wilson):
        alive, out = {0: 1.0}, 0.0
        for n in range(1, 121):
            after: dict[int, float] = {}
            for good, chance in alive.items():
                after[good] = after.get(good, 0.0) + chance * (1 - rate)
                after[good + 1] = after.get(good + 1, 0.0) + chance * rate
            alive = {}
            for good, chance in after.items():
                low, high = interval(good, n)
                if low <= rate <= high:
                    alive[good] = chance
                else:
                    out += chance
        missed[interval] = out
    assert missed[confidence_sequence] <= 0.05
    assert missed[wilson] > 0.2


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_confidence_sequence_holds_the_rate_found_and_mirrors(case):
    successes, n = case
    low, high = confidence_sequence(successes, n)
    assert 0.0 <= low <= (successes / n if n else 0.5) <= high <= 1.0
    assert confidence_sequence(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    if n:
        # Where the posterior density, from a uniform prior, is the 0.05 that the interval ends at.
        beta = 1 / (n + 1) / math.comb(n, successes)
        for end in {low, high} - {0.0, 1.0}:
            assert end**successes * (1 - end) ** (n - successes) / beta == pytest.approx(0.05)


@pytest.mark.parametrize(("successes", "n", "confidence"), [(3, 2, 0.95), (1, 2, 0.0)])
def test_a_confidence_sequence_refuses_impossible_counts(successes, n, confidence):
    with pytest.raises(ValueError, match="expected"):
        confidence_sequence(successes, n, confidence)
