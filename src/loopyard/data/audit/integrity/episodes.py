"""The episodes: how many, how long, and what is said of their ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

FEW_EPISODES = 10
"""Below this a standard deviation of lengths says nothing."""
USUAL_CHUNK = 20
"""Of ACT here and of the predecessor."""


def check_episodes(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Enough episodes to learn from."""
    few = dataset.num_episodes < limits.episodes_warn
    yield Check(
        "episodes",
        "warn" if few else "pass",
        f"{dataset.num_episodes} episodes",
        f"at least {limits.episodes_warn}",
    )


def check_lengths(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """No episode of an unusual length, and none too short to fill a chunk."""
    lengths = np.array([entry.length for entry in dataset.episodes], np.float64)
    wanted = f"within {limits.length_sigmas:g} sigma of the mean"
    found, odd = f"{lengths.min():g} to {lengths.max():g} frames", np.zeros(0, int)
    if len(lengths) >= FEW_EPISODES and lengths.std() > 0:
        away = np.abs(lengths - lengths.mean()) / lengths.std()
        odd = np.flatnonzero(away > limits.length_sigmas)
        found = f"{len(odd)} of {len(lengths)} outside, mean {lengths.mean():.0f} frames"
    yield _check("lengths", found, wanted, odd)
    chunk = limits.chunk_size or dataset.chunk_size or USUAL_CHUNK
    short = np.flatnonzero(lengths < chunk)
    found = f"{len(short)} of {len(lengths)} shorter than a chunk"
    yield _check("short episodes", found, f"at least {chunk} frames", short)


def check_outcomes(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """What is said of each drive's end fits its frames."""
    told = [entry for entry in dataset.episodes if entry.outcome is not None]
    wrong = [
        entry.index
        for entry in told
        if entry.outcome is not None and entry.outcome.steps != entry.length
    ]
    found = f"{len(wrong)} of {len(told)} with another number of steps than frames"
    yield _check("outcomes", found if told else "none told", "0, or none told", np.array(wrong))


def _check(name: str, found: str, wanted: str, episodes: np.ndarray) -> Check:
    indices = tuple(int(index) for index in episodes)
    return Check(
        name, "warn" if indices else "pass", found, wanted, in_words(indices), episodes=indices
    )


def in_words(indices: tuple[int, ...]) -> str:
    """The first ones, for a line of text."""
    if not indices:
        return ""
    return f"episodes {', '.join(map(str, indices[:8]))}" + (" ..." if len(indices) > 8 else "")
