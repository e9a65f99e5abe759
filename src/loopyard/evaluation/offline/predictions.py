"""A policy's predictions on recorded episodes, through the path that it drives by."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import STATE_KEY, TASK_KEY
from loopyard.data.columns import PHASE_KEY
from loopyard.data.dataset import Dataset, DatasetEpisode
from loopyard.data.samples import Labels
from loopyard.policies.policy import HISTORY_KEY, Observation, Policy

BATCH = 64


@dataclass(frozen=True)
class Predicted:
    """Predictions and labels at every frame of an episode of T frames.

    chunks: (T, K, A) float32, as `Policy.predict_chunks` gives them. targets: (T, K, A) float32
    and is_pad: (T, K) bool, as training learns them; labelled: (T,) bool, where they hold.
    phases: (T,) of str, empty strings where the dataset tells none.
    """

    chunks: np.ndarray
    targets: np.ndarray
    is_pad: np.ndarray
    labelled: np.ndarray
    phases: np.ndarray


def predict_episodes(
    policy: Policy, dataset: Dataset, episodes: Sequence[int], cameras: Sequence[str]
) -> Iterator[Predicted]:
    """The predictions of one episode after another; one batch of frames is in memory at a time.

    Raises:
        DatasetError: a damaged file. CheckpointError: the policy does not fit the dataset.
    """
    labels = Labels(dataset, list(episodes))
    labelled = np.zeros(dataset.num_frames, bool)
    labelled[labels.usable] = True
    has_phases = PHASE_KEY in dataset.column_names
    for index in episodes:
        entry = dataset.episodes[index]
        rows = np.arange(entry.from_index, entry.to_index)
        ticks = int(getattr(policy, "n_obs_steps", 1))
        batches = _batches(dataset, entry, cameras, ticks)
        chunks = [policy.predict_chunks(batch) for batch in batches]
        targets, is_pad = labels.targets(rows, policy.chunk_size)
        phases = dataset.column(PHASE_KEY)[rows].astype(str) if has_phases else [""] * len(rows)
        yield Predicted(
            np.concatenate(chunks), targets, is_pad, labelled[rows], np.array(phases, np.str_)
        )


def _batches(
    dataset: Dataset, entry: DatasetEpisode, cameras: Sequence[str], n_obs_steps: int
) -> Iterator[list[Observation]]:
    """The observations of an episode as its world gave them, each with those before."""
    keys = {camera.name: camera.key for camera in dataset.spec.cameras}
    for name in cameras:
        if name not in keys:
            raise DatasetError(expected(str(dataset.root), "camera", name, f"one of {list(keys)}"))
    readers = {keys[name]: dataset.frames(name, entry.index) for name in cameras}
    states = dataset.column(STATE_KEY)
    batch: list[Observation] = []
    earlier: deque[Observation] = deque(maxlen=n_obs_steps - 1)
    for row in range(entry.from_index, entry.to_index):
        images = {key: next(reader) for key, reader in readers.items()}
        obs: Observation = {**images, STATE_KEY: states[row], TASK_KEY: entry.task}
        batch.append({**obs, HISTORY_KEY: tuple(earlier)} if earlier.maxlen else obs)
        earlier.append(obs)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
