"""Intervals and tests for counts of successes: no number without its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval (low, high) of a success rate; (0, 1) when nothing was tried.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927); method 3 of R. G. Newcombe, "Two-sided confidence intervals for the single proportion",
    Statistics in Medicine 17 (1998), whose table the tests hold it to. It stays inside [0, 1] and
    says something sensible at 0 and at n successes, where the textbook interval has no width.

    Raises:
        ValueError: successes is not within 0..n, or confidence not within (0, 1).
    """
    _check(successes, n, confidence)
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / n
    scale = 1 / (1 + z * z / n)
    centre = scale * (rate + z * z / (2 * n))
    half = scale * z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # The exact ends at 0 and n are 0 and 1; rounding would miss them by an epsilon.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def confidence_sequence(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """An interval (low, high) of a success rate that holds at every n at once.

    The chance that it ever misses the rate, at whatever n one looks or stops, is 1 - confidence at
    most: the rates whose posterior density, from a uniform prior, is more than 1 - confidence
    (the ratio of prior to posterior is a martingale; I. Waudby-Smith and A. Ramdas, "Confidence
    sequences for sampling without replacement", NeurIPS 2020, its prior-posterior-ratio). Wilson's
    interval promises this for one n that was fixed before, and is narrower.

    Raises:
        ValueError: successes is not within 0..n, or confidence not within (0, 1).
    """
    _check(successes, n, confidence)
    failures = n - successes
    least = math.log(1.0 - confidence) + (
        math.lgamma(successes + 1) + math.lgamma(failures + 1) - math.lgamma(n + 2)
    )

    def inside(rate: float) -> bool:
        log = successes * math.log(rate) if successes else 0.0
        return log + (failures * math.log1p(-rate) if failures else 0.0) > least

    centre = successes / n if n else 0.5
    low = 0.0 if successes == 0 else _last(inside, centre, 0.0)
    high = 1.0 if failures == 0 else _last(inside, centre, 1.0)
    return low, high


def _check(successes: int, n: int, confidence: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"successes: found {successes}, expected 0 to {n}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: found {confidence}, expected a number within (0, 1)")


def _last(inside: Callable[[float], bool], within: float, outside: float) -> float:
    """Where a convex set that holds `within` and not `outside` ends; on the outer side of it."""
    for _ in range(60):
        middle = (within + outside) / 2
        within, outside = (middle, outside) if inside(middle) else (within, middle)
    return outside


def mcnemar_exact(wins: int, losses: int) -> float:
    """The two-sided p value that two policies do equally well, from the scenes they differ on.

    wins: scenes only the candidate succeeded on; losses: scenes only the incumbent succeeded on.
    Given their sum, wins is Binomial(wins + losses, 1/2) when both are equally good. Q. McNemar,
    Psychometrika 12 (1947); the exact conditional form as in M. W. Fagerland, S. Lydersen and
    P. Laake, BMC Medical Research Methodology 13:91 (2013).

    Raises:
        ValueError: a count is negative.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"wins, losses: found {wins}, {losses}, expected counts of 0 or more")
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    # Integers to the end: 2**n overflows a float from a thousand scenes on.
    return min(1.0, 2 * tail / 2**n)


@dataclass(frozen=True)
class Paired:
    """Two policies on the same scenes. wins: only the candidate succeeded; losses: only the
    other."""

    n: int
    wins: int
    losses: int
    p_value: float

    @property
    def rate_difference(self) -> float:
        """Candidate's success rate less the incumbent's, on the shared scenes."""
        return (self.wins - self.losses) / self.n if self.n else 0.0


def compare(candidate: Mapping[Any, bool], incumbent: Mapping[Any, bool]) -> Paired:
    """Compares on the scenes both were driven on: {scene or seed: success} of each."""
    shared = candidate.keys() & incumbent.keys()
    wins = sum(candidate[seed] and not incumbent[seed] for seed in shared)
    losses = sum(incumbent[seed] and not candidate[seed] for seed in shared)
    return Paired(len(shared), wins, losses, mcnemar_exact(wins, losses))
