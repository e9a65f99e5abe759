"""When a gate that looks after every scene may decide, computed exactly.

Looking again and again until the answer pleases is how a coin of no merit gets promoted. Here the
error that was allowed is handed out over the looks: by scene n at most alpha n / n_max of it may
be spent (K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials",
Biometrika 70 (1983); here the linear spending function). What a boundary spends is not
approximated: the distribution of the successes of all sequences that have not yet crossed it is
carried from scene to scene.

Each of the two boundaries keeps its own promise even if nobody stops at the other one (they are
"non-binding"), so that a run may be continued after a rejection without harm to the promise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

ROUNDING = 1e-9
"""0.95 * 20 shall ask for 19 successes, not for 20."""


@dataclass(frozen=True)
class Boundaries:
    """After scene n (index n - 1): promote from this many successes on, reject from this many
    failures on; n + 1 where no number would do."""

    promote_at: tuple[int, ...]
    reject_at: tuple[int, ...]

    @property
    def n_max(self) -> int:
        return len(self.promote_at)

    @property
    def first_promotion(self) -> int | None:
        """The fewest scenes, all of them successes, that promote; None where none do."""
        return next((n for n, least in enumerate(self.promote_at, 1) if least <= n), None)


@dataclass(frozen=True)
class Chances:
    """What a gate does with a policy of a given success rate, and how many scenes that takes."""

    promote: float
    reject: float
    inconclusive: float
    mean_scenes: float


@lru_cache(maxsize=64)
def absolute_boundaries(
    n_max: int, target: float, floor: float, alpha: float, beta: float
) -> Boundaries:
    """Boundaries for a success rate.

    A rate of `floor` or less is ever promoted with probability `alpha` at most, and a rate of
    `target` or more ever rejected with `beta` at most. Nothing is promoted while the rate found is
    below the target, as at a fixed number of scenes.
    """
    reach = [math.ceil(target * n - ROUNDING) for n in range(1, n_max + 1)]
    share = np.arange(1, n_max + 1) / n_max
    return Boundaries(
        tuple(least_counts(floor, alpha * share, reach)),
        tuple(least_counts(1.0 - target, beta * share, [1] * n_max)),
    )


def least_counts(
    rate: float, allowed: Sequence[float] | np.ndarray, least: Sequence[int]
) -> list[int]:
    """After each scene, the count to cross at, and never below `least`.

    rate: share of scenes that are counted, for which the promise is made. allowed: the chance of
    having crossed by scene 1, 2, ..., at most. Less may be spent, because counts are whole; what
    is left is spent later.
    """
    alive = np.zeros(len(allowed) + 1)
    alive[0] = 1.0
    spent, found = 0.0, []
    for n, limit in enumerate(allowed, 1):
        alive[1 : n + 1] = alive[1 : n + 1] * (1.0 - rate) + alive[:n] * rate
        alive[0] *= 1.0 - rate
        at = max(cross_from(alive[: n + 1], float(limit) - spent), least[n - 1])
        spent += float(alive[at : n + 1].sum())
        alive[at : n + 1] = 0.0
        found.append(at)
    return found


def cross_from(alive: np.ndarray, room: float) -> int:
    """The least count from which on the probabilities in `alive` (by count) sum to `room` at
    most."""
    tails = np.cumsum(alive[::-1])
    return len(alive) - int(np.searchsorted(tails, room, side="right"))


def chances(boundaries: Boundaries, rate: float) -> Chances:
    """Exactly what the gate does with independent scenes of that success rate."""
    n_max = boundaries.n_max
    alive = np.zeros(n_max + 1)
    alive[0] = 1.0
    promote = reject = scenes = 0.0
    for n in range(1, n_max + 1):
        scenes += float(alive[:n].sum())
        alive[1 : n + 1] = alive[1 : n + 1] * (1.0 - rate) + alive[:n] * rate
        alive[0] *= 1.0 - rate
        up = boundaries.promote_at[n - 1]
        down = n - boundaries.reject_at[n - 1] + 1
        promote += float(alive[up : n + 1].sum())
        alive[up : n + 1] = 0.0
        reject += float(alive[: max(0, down)].sum())
        alive[: max(0, down)] = 0.0
    return Chances(promote, reject, float(alive.sum()), scenes)
