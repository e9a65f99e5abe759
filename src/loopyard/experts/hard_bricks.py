"""Bricks that are not worth a try, what lies about because of it, and loads that slide out.

What does not fit is seen. That a brick is glued down nobody sees: it is given up after
`GIVE_UP_TRIES` closings of the bucket in vain, which the world counts.
"""

from __future__ import annotations

import math

import numpy as np

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.truth import YardTruth

GIVE_UP_TRIES = 3
RISING = 0.05
"""With its target over this the lift is on its way up."""
OFF_AHEAD_M, OFF_ASIDE_M = 0.85, 0.28
"""In front of the axle: where the bucket would turn against a brick that does not give way."""
GRID_M = 0.05
"""Places are rounded to this: a slab that is nudged a little leaves the map of ways as it is."""
SPILL_MARGIN = 0.7
"""Of the sideways acceleration that a load bears."""


def worth_a_try(truth: YardTruth) -> np.ndarray:
    """(N,) bool: bricks that fit the bucket and were not given up."""
    return truth.fits & (truth.tries < GIVE_UP_TRIES)


def rises_again(truth: YardTruth) -> bool:
    """Has the bucket closed in vain on the brick in its mouth, or is it on its way off it?

    It lifts off to open and come anew: that the lift is sent up tells the way off from the next
    closing.
    """
    tried = bool((truth.in_mouth() & (truth.tries > 0)).any())
    return tried and (truth.bucket > g.HOLD_UNTIL or truth.lift_target > RISING)


def at_given_up(truth: YardTruth) -> bool:
    """Does a brick that was given up stand in the bucket, so that it could not turn?"""
    given_up = truth.tries >= GIVE_UP_TRIES
    if not given_up.any():
        return False
    ahead, left = truth.local(truth.bricks[given_up]).T
    return bool(((ahead > 0) & (ahead < OFF_AHEAD_M) & (np.abs(left) < OFF_ASIDE_M)).any())


def left_lying(truth: YardTruth) -> np.ndarray:
    """(K, 5) rows as `YardTruth.furniture`: bricks that stay where they are, to drive round."""
    worth_it = worth_a_try(truth)
    if worth_it.all():
        return np.empty((0, 5))
    left = ~worth_it & ~truth.held & ~truth.delivered
    half_m = np.where(truth.fits[left], g.BRICK.x_m, g.SLAB.x_m)
    places = np.round(truth.bricks[left, :2] / GRID_M) * GRID_M
    return np.column_stack([places, np.zeros(len(places)), half_m, half_m])


def gently(truth: YardTruth, steering: float, throttle: float) -> tuple[float, float]:
    """Steering and throttle so small that no turn at that speed spills the load.

    Both are held under one share of full: whatever the loader did a moment ago, its speed times
    its turning rate then stays under the bound.
    """
    full_mps2 = truth.params.max_speed_mps * truth.params.max_turn_radps
    if not truth.load or truth.spill_mps2 * SPILL_MARGIN >= full_mps2:
        return steering, throttle
    share = math.sqrt(truth.spill_mps2 * SPILL_MARGIN / full_mps2)
    return float(np.clip(steering, -share, share)), float(np.clip(throttle, -share, share))
