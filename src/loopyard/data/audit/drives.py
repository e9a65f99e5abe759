"""Drives: the part of a dataset that health and memorising are judged on, held in memory once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from loopyard.core.specs import ACTION_KEY, STATE_KEY, Channel, WorldSpec
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.columns import EXECUTED_KEY, to_numpy
from loopyard.data.dataset import Dataset

NO_LIMIT = 1e8
"""A channel whose limits lie beyond this has none."""
_read: WeakKeyDictionary[Dataset, tuple[Thresholds, Drives]] = WeakKeyDictionary()


@dataclass(eq=False)
class Drives:
    """Whole episodes of a dataset, in its order; those with a NaN or infinity are left out.

    state: (N, S), action: (N, A), executed: (N, A) float64; executed is what drove, the action
    where the dataset tells nothing else. episode: (N,) place in ``indices``. tick: (N,) frame of
    its episode. indices: (E,) the dataset's own numbers of the episodes.
    measured: figures that checks leave for the report, by name; plain JSON.
    """

    spec: WorldSpec
    state: np.ndarray
    action: np.ndarray
    executed: np.ndarray
    episode: np.ndarray
    tick: np.ndarray
    indices: np.ndarray
    measured: dict[str, Any] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        return len(self.episode)

    @property
    def episodes(self) -> int:
        return len(self.indices)

    @cached_property
    def slices(self) -> list[slice]:
        """The rows of each episode."""
        ends = np.cumsum(np.bincount(self.episode, minlength=self.episodes))
        return [
            slice(int(start), int(end)) for start, end in zip([0, *ends[:-1]], ends, strict=True)
        ]

    @cached_property
    def within(self) -> np.ndarray:
        """(N - 1,) bool: rows whose next row is the next frame of the same episode."""
        return np.diff(self.episode) == 0

    def episode_means(self, values: np.ndarray) -> np.ndarray:
        """(E, C) mean of (N, C) values over each episode."""
        starts = [part.start for part in self.slices]
        lengths = np.array([part.stop - part.start for part in self.slices])
        return np.add.reduceat(values, starts, axis=0) / lengths[:, None]

    def too_few(self, limits: Thresholds) -> str:
        """Why nothing can be said of so little data; empty where something can."""
        if self.frames < limits.judged_frames or self.episodes < limits.judged_episodes:
            return f"too little to say: {self.episodes} episodes, {self.frames} frames"
        return ""


def enough_of(limits: Thresholds) -> str:
    """What `Drives.too_few` asks for, in words."""
    return f"{limits.judged_episodes} episodes and {limits.judged_frames} frames to judge it by"


def reach(channel: Channel, values: np.ndarray) -> float:
    """How far a channel goes: between its limits, or in the data where it has none."""
    if max(abs(channel.low), abs(channel.high)) < NO_LIMIT:
        return channel.high - channel.low
    return float(np.ptp(values)) or 1.0


def drives_of(dataset: Dataset, limits: Thresholds) -> Drives:
    """The drives of a dataset, read once and kept as long as the dataset is.

    More than ``limits.sampled_rows`` frames are thinned to evenly spread whole episodes; the rest
    is read past, some thousand rows at a time.

    Raises:
        DatasetError: a file is damaged, or a column is missing.
    """
    kept = _read.get(dataset)
    if kept is None or kept[0] != limits:
        kept = (limits, _read_drives(dataset, limits.sampled_rows))
        _read[dataset] = kept
    return kept[1]


def _read_drives(dataset: Dataset, most_rows: int) -> Drives:
    lengths = np.array([entry.length for entry in dataset.episodes])
    every = max(1, int(np.ceil(lengths.sum() / most_rows)))
    chosen = np.zeros(len(lengths), bool)
    chosen[::every] = True
    known = (STATE_KEY, ACTION_KEY, EXECUTED_KEY)
    names = [name for name in known if name in dataset.column_names]
    wanted = np.repeat(chosen, lengths)
    columns = _read_columns(dataset, names, wanted)
    owner = np.repeat(np.arange(len(lengths)), lengths)[wanted][: len(columns[ACTION_KEY])]
    finite = np.logical_and.reduce([np.isfinite(part).all(axis=1) for part in columns.values()])
    good = np.ones(len(lengths), bool)
    good[owner[~finite]] = False
    rows = good[owner]
    indices, episode = np.unique(owner[rows], return_inverse=True)
    starts = np.searchsorted(episode, np.arange(len(indices)))
    action = columns[ACTION_KEY][rows]
    stateless = np.zeros((len(finite), 0))
    return Drives(
        spec=dataset.spec,
        state=columns.get(STATE_KEY, stateless)[rows],
        action=action,
        executed=columns[EXECUTED_KEY][rows] if EXECUTED_KEY in columns else action,
        episode=episode,
        tick=np.arange(len(episode)) - starts[episode] if len(episode) else episode,
        indices=indices,
    )


def _read_columns(dataset: Dataset, names: list[str], wanted: np.ndarray) -> dict[str, np.ndarray]:
    """The wanted rows of columns as (rows, size) float64."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    place = 0
    for batch in dataset.batches(names):
        keep = wanted[place : place + len(batch)]
        place += len(batch)
        for name in names if keep.any() else ():
            shape = tuple(int(side) for side in dataset.info["features"][name]["shape"])
            values = to_numpy(pa.chunked_array([batch.column(name)]), shape)
            parts[name].append(values.reshape(len(values), -1)[: len(keep)][keep])
    return {name: np.concatenate(part).astype(np.float64) for name, part in parts.items()}
