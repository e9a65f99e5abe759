"""Frames at their own times to frames on a beat, with no more than two of them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.data.importers.importer import Frame

SAME_S = 1e-6
"""Times closer than this are one: a tenth of a second has no exact binary form."""


def resampled(frames: Iterator[Frame], fps: int, actions: str, where: str) -> Iterator[Frame]:
    """One frame each 1 / fps s, from the first frame's time to at most the last one's.

    Images and phase come from the frame nearest in time (the earlier of two as near); states are
    interpolated linearly; actions are held from the frame before (``hold``) or interpolated
    (``linear``). Expert chunks are dropped: their ticks are of the old rate.

    Raises:
        DatasetError: a time does not grow; ``where`` is named.
    """
    earlier = next(frames, None)
    if earlier is None:
        return
    start_s, tick = earlier.time_s, 0
    for number, later in enumerate(frames, 1):
        if not later.time_s > earlier.time_s:
            raise DatasetError(
                expected(
                    where, f"time of frame {number}", later.time_s, f"more than {earlier.time_s}"
                )
            )
        while start_s + tick / fps < later.time_s - SAME_S:
            yield _between(earlier, later, start_s + tick / fps, actions)
            tick += 1
        earlier = later
    if start_s + tick / fps <= earlier.time_s + SAME_S:
        yield replace(earlier, time_s=start_s + tick / fps, chunk=None)


def _between(earlier: Frame, later: Frame, time_s: float, actions: str) -> Frame:
    share = max(0.0, (time_s - earlier.time_s) / (later.time_s - earlier.time_s))
    nearest = earlier if share <= 0.5 else later
    hold = actions == "hold"
    executed = earlier.executed
    if executed is not None and later.executed is not None and not hold:
        executed = _mixed(executed, later.executed, share)
    return Frame(
        time_s=time_s,
        images=nearest.images,
        state=_mixed(earlier.state, later.state, share),
        action=earlier.action if hold else _mixed(earlier.action, later.action, share),
        executed=executed,
        phase=nearest.phase,
        jpegs=nearest.jpegs,
    )


def _mixed(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return (first + share * (second - first)).astype(np.float32)
