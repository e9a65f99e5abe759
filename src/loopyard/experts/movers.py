"""Before someone who walks about the loader stands still, as long as the world says they are near.

A pet counts as near within 2 m; a child from 3 m on until it is 5 m away, which the world remembers
and the truth tells (`MoverTruth.alert`).
"""

from __future__ import annotations

from loopyard.worlds.yard.truth import YardTruth


def must_wait(truth: YardTruth) -> bool:
    """Is somebody so near that nothing may move? A load stays where it is."""
    return any(mover.alert for mover in truth.movers)
