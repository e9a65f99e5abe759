"""The boundary of a comparison holds its error, given exactly where the differences came."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from loopyard.evaluation.paired_boundary import DifferenceBoundary, chance_to_promote


def leasts(places: list[int], n_max: int, alpha: float) -> tuple[list[int], float]:
    """Wins to decide at, after each difference and once more at the end; and what that spent."""
    boundary, found = DifferenceBoundary(n_max, alpha), []
    for place in places:
        boundary.differ()
        found.append(boundary.least(place))
    if places[-1] < n_max:
        found.append(boundary.least(n_max))
    return found, boundary.spent


@pytest.mark.parametrize("places", [[1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 9, 10, 22, 30, 31, 39, 40]])
def test_what_is_spent_is_the_share_of_all_sequences_that_cross(places):
    least, spent = leasts(places, 40, 0.1)
    crossed = 0
    for sequence in product((0, 1), repeat=len(places)):
        wins = [sum(sequence[: k + 1]) for k in range(len(places))]
        wins += [wins[-1]] * (len(least) - len(wins))
        crossed += any(won >= at for won, at in zip(wins, least, strict=True))
    assert spent == crossed / 2 ** len(places)
    assert 0 < spent <= 0.1


@pytest.mark.parametrize("share", [0.05, 0.2, 0.6, 1.0])
def test_no_more_is_spent_than_allowed_wherever_the_differences_come(share):
    rng = np.random.default_rng(3)
    for _ in range(5):
        places = (np.flatnonzero(rng.random(300) < share) + 1).tolist() or [300]
        least, spent = leasts(places, 300, 0.05)
        # The same in whole numbers: of 2**d sequences, how many have crossed.
        alive, crossed = {0: 1}, Fraction(0)
        for step, (place, at) in enumerate(zip(places, least, strict=False), 1):
            after: dict[int, int] = {}
            for wins, ways in alive.items():
                after[wins] = after.get(wins, 0) + ways
                after[wins + 1] = after.get(wins + 1, 0) + ways
            crossed += Fraction(sum(w for wins, w in after.items() if wins >= at), 2**step)
            alive = {wins: ways for wins, ways in after.items() if wins < at}
            assert crossed <= Fraction("0.05") * place / 300 + Fraction(1, 10**12)
        if len(least) > len(places):
            last = sum(ways for wins, ways in alive.items() if wins >= least[-1])
            crossed += Fraction(last, 2 ** len(places))
        assert spent == pytest.approx(float(crossed), abs=1e-12)
        assert crossed <= Fraction("0.05") + Fraction(1, 10**12)


def test_at_the_last_scene_alone_it_is_the_exact_test_of_one_side():
    boundary = DifferenceBoundary(50, 0.05)
    for _ in range(30):
        boundary.differ()
    least = boundary.least(50)
    tail = [sum(math.comb(30, k) for k in range(at, 31)) / 2**30 for at in (least, least - 1)]
    assert tail[0] <= 0.05 < tail[1]


def foreseen(n: int, n_max: int, wins: int, losses: int, alpha: float) -> float:
    """The same, scene by scene: each weighs like those seen, plus one before the first."""
    if n == n_max:
        seen = wins + losses
        tail = sum(math.comb(seen, k) for k in range(wins, seen + 1))
        return float(tail / 2**seen <= alpha)
    differ = (wins + losses + 1) / (n + 2)
    win = (wins + 1) / (wins + losses + 2)
    return (
        (1 - differ) * foreseen(n + 1, n_max, wins, losses, alpha)
        + differ * win * foreseen(n + 1, n_max, wins + 1, losses, alpha)
        + differ * (1 - win) * foreseen(n + 1, n_max, wins, losses + 1, alpha)
    )


@pytest.mark.parametrize(
    ("n", "wins", "losses"), [(0, 0, 0), (6, 3, 0), (6, 2, 2), (10, 5, 1), (14, 5, 0), (10, 0, 9)]
)
def test_prospects_are_those_of_scene_by_scene_prediction(n, wins, losses):
    n_max = n + 8
    expected = foreseen(n, n_max, wins, losses, 0.05)
    assert chance_to_promote(n, n_max, wins, losses, 0.05) == pytest.approx(expected, abs=1e-10)


def test_prospects_fall_with_losses_and_with_time():
    chances = [chance_to_promote(40, 200, 5, losses, 0.05) for losses in range(8)]
    assert chances == sorted(chances, reverse=True)
    assert chance_to_promote(100, 200, 0, 0, 0.05) < chance_to_promote(20, 200, 0, 0, 0.05)
    assert chance_to_promote(197, 200, 1, 0, 0.05) == 0.0
