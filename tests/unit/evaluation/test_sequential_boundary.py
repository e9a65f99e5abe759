"""The boundaries hold their error, by enumeration and by an independent exact recursion."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from loopyard.evaluation.sequential_boundary import absolute_boundaries, chances


def crossing(at: tuple[int, ...], rate: Fraction) -> list[Fraction]:
    """The chance that the count reached ``at`` by scene 1, 2, ...: exact, in fractions."""
    alive, crossed, found = {0: Fraction(1)}, Fraction(0), []
    for least in at:
        after: dict[int, Fraction] = {}
        for count, chance in alive.items():
            for more, share in ((1, rate), (0, 1 - rate)):
                after[count + more] = after.get(count + more, Fraction(0)) + chance * share
        crossed += sum((chance for count, chance in after.items() if count >= least), Fraction(0))
        alive = {count: chance for count, chance in after.items() if count < least}
        found.append(crossed)
    return found


@pytest.mark.parametrize(
    ("n_max", "target", "floor", "alpha", "beta"),
    [
        (200, "0.95", "0.9", "0.05", "0.05"),
        (150, "0.9", "0.8", "0.05", "0.1"),
        (60, "0.7", "0.5", "0.01", "0.05"),
        (40, "0.6", "0.6", "0.05", "0.05"),
    ],
)
def test_no_more_error_is_spent_than_allowed_at_any_scene(n_max, target, floor, alpha, beta):
    bounds = absolute_boundaries(n_max, *map(float, (target, floor, alpha, beta)))
    promises = (
        (bounds.promote_at, Fraction(floor), Fraction(alpha)),
        (bounds.reject_at, 1 - Fraction(target), Fraction(beta)),
    )
    for at, rate, error in promises:
        for n, crossed in enumerate(crossing(at, rate), 1):
            assert crossed <= error * n / n_max + Fraction(1, 10**12)


def test_the_error_allowed_is_used():
    """One success less would do nowhere, but for the target itself."""
    bounds = absolute_boundaries(50, 0.8, 0.7, 0.05, 0.05)
    held = 0
    for n in range(1, 51):
        least = bounds.promote_at[n - 1]
        if least - 1 < 0.8 * n - 1e-9:
            continue
        held += 1
        lower = (*bounds.promote_at[: n - 1], least - 1)
        assert crossing(lower, Fraction("0.7"))[-1] > Fraction("0.05") * n / 50
    assert held > 10


@pytest.mark.parametrize("rate", ["0", "1/3", "1/2", "9/10", "1"])
def test_chances_are_those_of_all_sequences(rate):
    bounds, rate = absolute_boundaries(12, 0.8, 0.5, 0.2, 0.2), Fraction(rate)
    chance = {"promote": Fraction(0), "reject": Fraction(0), "inconclusive": Fraction(0)}
    scenes = Fraction(0)
    for sequence in product((0, 1), repeat=12):
        weight = rate ** sum(sequence) * (1 - rate) ** (12 - sum(sequence))
        decision, at = "inconclusive", 12
        for n in range(1, 13):
            good = sum(sequence[:n])
            if good >= bounds.promote_at[n - 1] or n - good >= bounds.reject_at[n - 1]:
                decision = "promote" if good >= bounds.promote_at[n - 1] else "reject"
                at = n
                break
        chance[decision] += weight
        scenes += weight * at
    found = chances(bounds, float(rate))
    assert found.promote == pytest.approx(float(chance["promote"]), abs=1e-12)
    assert found.reject == pytest.approx(float(chance["reject"]), abs=1e-12)
    assert found.inconclusive == pytest.approx(float(chance["inconclusive"]), abs=1e-12)
    assert found.mean_scenes == pytest.approx(float(scenes), abs=1e-9)


def test_nothing_is_promoted_below_the_target():
    bounds = absolute_boundaries(400, 0.95, 0.9, 0.05, 0.05)
    assert all(least >= 0.95 * n - 1e-6 for n, least in enumerate(bounds.promote_at, 1))


def test_no_sequence_is_promoted_and_rejected_at_once():
    for target, floor in ((0.95, 0.9), (0.6, 0.6), (1.0, 0.9), (0.5, 0.01)):
        bounds = absolute_boundaries(120, target, floor, 0.2, 0.2)
        for n in range(1, 121):
            assert bounds.promote_at[n - 1] + bounds.reject_at[n - 1] > n


def test_a_target_of_all_scenes_is_missed_with_the_first_failure():
    assert set(absolute_boundaries(50, 1.0, 0.9, 0.05, 0.05).reject_at) == {1}


def test_clear_cases_are_short():
    bounds = absolute_boundaries(200, 0.95, 0.9, 0.05, 0.05)
    assert bounds.first_promotion == 44
    assert chances(bounds, 1.0).mean_scenes == 44
    assert chances(bounds, 0.0).mean_scenes == 3
    # Twenty in a row may come from a rate of 0.9: no promise can be kept with so few.
    assert absolute_boundaries(20, 0.95, 0.9, 0.05, 0.05).first_promotion is None
