"""Two policies on the same scenes: when the scenes they differ on tell which is better, exactly.

Where both succeed or both fail, nothing is learned of which is better. Of the scenes they differ
on, each is won by either with probability 1/2 when they are equally good, whichever scenes those
are: this is McNemar's test, and it holds given where the differences came. So the boundary is
computed as they come, for exactly their places: by scene n at most alpha n / n_max of the error is
spent (see `loopyard.evaluation.sequential_boundary`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from loopyard.evaluation.sequential_boundary import cross_from


class DifferenceBoundary:
    """How many of the scenes that differ must be won, by now, to be better than by chance.

    The same number of losses tells, with the same error, that it is worse.
    """

    def __init__(self, n_max: int, alpha: float) -> None:
        self._n_max, self._alpha, self._spent = n_max, alpha, 0.0
        self._alive = np.ones(1)
        """Probability, by wins, of all equally likely sequences that have not crossed yet."""

    @property
    def spent(self) -> float:
        """The chance, were they equally good, that the wins had crossed by now."""
        return self._spent

    def differ(self) -> None:
        """One more scene on which the two policies differ."""
        half = self._alive / 2
        self._alive = np.append(half, 0.0)
        self._alive[1:] += half

    def least(self, n: int) -> int:
        """Wins from which on to decide after scene `n`, which spends the error until there."""
        at = cross_from(self._alive, self._alpha * n / self._n_max - self._spent)
        self._spent += float(self._alive[at:].sum())
        self._alive[at:] = 0.0
        return at


@lru_cache(maxsize=65_536)
def chance_to_promote(n: int, n_max: int, wins: int, losses: int, alpha: float) -> float:
    """The chance that wins will tell at `n_max`, foreseen from the first `n` scenes.

    Both the share of scenes that differ and the share of those that are won are taken as unknown,
    all values alike before the first scene (beta-binomial predictions from uniform priors). The
    test at the end is the exact one of a single look, which is easier to pass than what the looks
    before it leave: the chance is told a little too high, and a gate gives up a little too late.
    """
    left, seen = n_max - n, wins + losses
    more = np.arange(left + 1)
    weight = _beta_binomial(more, left, seen + 1, n - seen + 1)
    needed = _single_look(n_max, alpha)[seen + more] - wins
    won = np.arange(left + 1)
    # Row: how many more scenes differ; column: how many of those are won.
    chance = _beta_binomial(won[None, :], more[:, None], wins + 1, losses + 1)
    enough = won[None, :] >= needed[:, None]
    return float((weight * np.where(enough, chance, 0.0).sum(axis=1)).sum())


@lru_cache(maxsize=16)
def _single_look(n_max: int, alpha: float) -> np.ndarray:
    """(n_max + 1,) int: of d scenes that differ, the least wins with a tail of `alpha` at most."""
    row, least = np.ones(1), []
    for _ in range(n_max + 1):
        least.append(cross_from(row, alpha))
        half = row / 2
        row = np.append(half, 0.0)
        row[1:] += half
    return np.array(least)


def _beta_binomial(k: np.ndarray, n: np.ndarray | int, a: int, b: int) -> np.ndarray:
    """P(k of n) when the share is Beta(a, b); 0 where k > n. All whole numbers."""
    n = np.asarray(n)
    fact = _log_factorials(int(n.max()) + a + b)
    k, n = np.broadcast_arrays(k, n)
    inside = k <= n
    k = np.where(inside, k, 0)
    log = fact[n] - fact[k] - fact[n - k]
    log = log + fact[k + a - 1] + fact[n - k + b - 1] - fact[n + a + b - 1]
    log = log - fact[a - 1] - fact[b - 1] + fact[a + b - 1]
    return np.where(inside, np.exp(log), 0.0)


@lru_cache(maxsize=16)
def _log_factorials(most: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])
