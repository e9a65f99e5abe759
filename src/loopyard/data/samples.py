"""Samples: what a training step draws from: frames, states, and the chunk of labels from each."""

from __future__ import annotations

import numpy as np

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.core.seeds import stream
from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.cache import FrameCache
from loopyard.data.columns import CHUNK_KEY, CHUNK_VALID_KEY
from loopyard.data.dataset import Dataset


class Labels:
    """What a policy is to predict from each frame, without the pictures.

    action: (N, A) float32. episode_start, episode_end: (N,) int64, of each frame's episode.
    usable: (M,) int64, frames of the chosen episodes that may start a sample, in order.

    Args:
        episodes: which episodes to draw from; all if None.

    Raises:
        DatasetError: no such episode, no usable frame, or a damaged file.
    """

    def __init__(self, dataset: Dataset, episodes: list[int] | None = None) -> None:
        self.dataset = dataset
        self.action = dataset.column(ACTION_KEY)
        self.episode_start = np.zeros(dataset.num_frames, np.int64)
        self.episode_end = np.zeros(dataset.num_frames, np.int64)
        chosen = np.zeros(dataset.num_frames, bool)
        for entry in dataset.episodes:
            self.episode_start[entry.from_index : entry.to_index] = entry.from_index
            self.episode_end[entry.from_index : entry.to_index] = entry.to_index
        for index in range(dataset.num_episodes) if episodes is None else episodes:
            if not 0 <= index < dataset.num_episodes:
                raise DatasetError(
                    expected(
                        str(dataset.root), "episode", index, f"0 to {dataset.num_episodes - 1}"
                    )
                )
            entry = dataset.episodes[index]
            chosen[entry.from_index : entry.to_index] = True
        self._chunks: np.ndarray | None = None
        if CHUNK_KEY in dataset.column_names:
            valid = dataset.column(CHUNK_VALID_KEY)
            if valid.any():
                self._chunks = dataset.column(CHUNK_KEY)
                chosen &= valid
        self.usable = np.flatnonzero(chosen).astype(np.int64)
        if not len(self.usable):
            raise DatasetError(expected(str(dataset.root), "usable frames", 0, "at least 1"))

    def before(self, indices: np.ndarray, ticks: int) -> np.ndarray:
        """The frames so many ticks before these, or the first of their episode."""
        return np.maximum(indices - ticks, self.episode_start[indices])

    def targets(self, indices: np.ndarray, chunk_size: int) -> tuple[np.ndarray, np.ndarray]:
        """The labels from each frame on, as a policy is to predict them.

        Args:
            indices: (B,) frames. chunk_size: K.

        Returns:
            (B, K, A) float32 and (B, K) bool. Along the path: the expert's labels of this and the
            next K - 1 frames; past the episode's end the last is repeated and is_pad is True. Where
            the dataset holds the expert's own chunks: those, and nothing is padding.

        Raises:
            ConfigError: chunk_size is under 1, or larger than the stored chunks.
        """
        if chunk_size < 1:
            raise ConfigError(expected("samples", "chunk_size", chunk_size, "at least 1"))
        if self._chunks is not None:
            if chunk_size > self._chunks.shape[1]:
                raise ConfigError(
                    expected(
                        str(self.dataset.root),
                        "chunk_size",
                        chunk_size,
                        f"at most {self._chunks.shape[1]}, as stored",
                    )
                )
            chunks = self._chunks[indices, :chunk_size]
            return chunks, np.zeros(chunks.shape[:2], bool)
        steps = np.asarray(indices)[:, None] + np.arange(chunk_size)
        ends = self.episode_end[indices][:, None]
        return self.action[np.minimum(steps, ends - 1)], steps >= ends


class Samples(Labels):
    """Arrays over all N frames of a dataset, and which of them may be drawn.

    images: {camera: (N, H, W, 3) uint8, mapped}. state: (N, S) float32. action: (N, A) float32.
    tasks: the instructions there are. task: (N,) int64, each frame's place among them.
    usable: (M,) int64, frames of the chosen episodes that may start a sample, in order.
    features: (N, F) float32, what a frozen backbone says of each frame, once a training has it.

    Args:
        episodes: which episodes to draw from; all if None. cameras: names; all if None.
        image_size: (height, width) to scale frames to, or as recorded.

    Raises:
        DatasetError: no such camera or episode, no usable frame, or a damaged file.
    """

    def __init__(
        self,
        dataset: Dataset,
        episodes: list[int] | None = None,
        cameras: list[str] | None = None,
        image_size: tuple[int, int] | None = None,
        *,
        workers: int = 2,
    ) -> None:
        super().__init__(dataset, episodes)
        self.images = FrameCache.open(dataset, cameras, image_size, workers)
        self.features: np.ndarray | None = None
        self.state = dataset.column(STATE_KEY)
        self.tasks = list(dict.fromkeys(entry.task for entry in dataset.episodes))
        places = [self.tasks.index(entry.task) for entry in dataset.episodes]
        self.task = np.repeat(places, [entry.length for entry in dataset.episodes])


def split_episodes(
    dataset: Dataset, validation_share: float, seed: int
) -> tuple[list[int], list[int]]:
    """Episodes to train on and to validate on: a pure function of their number, share and seed.

    By whole episodes, because neighbouring frames are nearly the same. A share above 0 holds out at
    least one episode where there are two.

    Raises:
        ConfigError: the share is not in [0, 1).
    """
    if not 0 <= validation_share < 1:
        raise ConfigError(
            expected("training", "validation_share", validation_share, "0 to below 1")
        )
    count = dataset.num_episodes
    held_out = round(validation_share * count)
    if validation_share > 0 and count > 1:
        held_out = min(max(held_out, 1), count - 1)
    order = stream("validation split", seed).permutation(count)
    return sorted(order[held_out:].tolist()), sorted(order[:held_out].tolist())
