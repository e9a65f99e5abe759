"""What one pass over the rows finds out: order, times, numbers, moments, and equal episodes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.audit.integrity.rows import Piece, Reader
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset


@dataclass
class Rows:
    """Rows with something wrong: how many, the first, and whose."""

    count: int = 0
    first: int = -1
    episodes: dict[int, None] = field(default_factory=dict)

    def add(self, piece: Piece, wrong: np.ndarray) -> None:
        """wrong: (n,) bool, of the piece's frames."""
        found = np.flatnonzero(wrong)
        if len(found):
            self.first = piece.row + int(found[0]) if self.first < 0 else self.first
            self.count += len(found)
            self.episodes[piece.episode] = None


class Moments:
    """Extremes, mean and variance of (n, C) numbers, added piece by piece.

    Chan, Golub and LeVeque, 1979, "Updating formulae and a pairwise algorithm".
    """

    def __init__(self) -> None:
        self.count = 0
        self.low = self.high = self.mean = self.squares = np.zeros(0)

    def add(self, values: np.ndarray) -> None:
        """values: (n, C) float64, finite."""
        if not len(values):
            return
        low, high, mean = values.min(axis=0), values.max(axis=0), values.mean(axis=0)
        squares = ((values - mean) ** 2).sum(axis=0)
        if not self.count:
            self.count, self.low, self.high = len(values), low, high
            self.mean, self.squares = mean, squares
            return
        total = self.count + len(values)
        apart = mean - self.mean
        self.squares = self.squares + squares + apart**2 * self.count * len(values) / total
        self.mean = self.mean + apart * len(values) / total
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.count = total

    def stats(self) -> dict[str, np.ndarray]:
        """In LeRobot's words; std is that of the population."""
        std = np.sqrt(self.squares / max(1, self.count))
        return {"min": self.low, "max": self.high, "mean": self.mean, "std": std}


class Pass:
    """The findings of one pass over every column of numbers."""

    def __init__(self, dataset: Dataset, limits: Thresholds) -> None:
        self.reader = Reader(dataset)
        self.columns = self.reader.numeric()
        self.index: dict[str, Rows] = defaultdict(Rows)
        self.finite = {name: Rows() for name in self.columns}
        self.outside: dict[tuple[str, int], Rows] = defaultdict(Rows)
        self.moments = {name: Moments() for name in self.columns}
        self.means: dict[str, dict[int, np.ndarray]] = {STATE_KEY: {}, ACTION_KEY: {}}
        self.prints: dict[int, bytes] = {}
        self._dataset, self._limits = dataset, limits
        self._seen: tuple[int, float] = (-1, 0.0)
        self._hash = hashlib.blake2b(digest_size=16)
        self._sums: dict[str, np.ndarray] = {}
        self._tasks = [-1] * dataset.num_episodes
        for piece in self.reader.pieces(self.columns):
            self._take(piece)
        self._close()

    def _take(self, piece: Piece) -> None:
        if piece.episode != self._seen[0]:
            self._close()
        self._take_order(piece)
        for name, values in piece.values.items():
            flat = values.reshape(len(values), -1).astype(np.float64)
            good = np.isfinite(flat).all(axis=1)
            if not good.all():
                self.finite[name].add(piece, np.logical_not(good))
            self.moments[name].add(flat if good.all() else flat[good])
            if name in self.means:
                self._take_vector(piece, name, flat)

    def _take_order(self, piece: Piece) -> None:
        ticks = np.arange(piece.tick, piece.tick + piece.count)
        wanted = {
            "index": np.arange(piece.row, piece.row + piece.count),
            "episode_index": np.full(piece.count, piece.episode),
            "frame_index": ticks,
        }
        for name, numbers in wanted.items():
            if name in piece.values:
                self.index[name].add(piece, np.not_equal(piece.values[name], numbers))
        if "task_index" in piece.values:
            tasks = piece.values["task_index"]
            first = tasks[0] if self._tasks[piece.episode] < 0 else self._tasks[piece.episode]
            self._tasks[piece.episode] = int(first) if np.isfinite(first) else -1
            self.index["task_index"].add(piece, np.not_equal(tasks, first))
        if "timestamp" in piece.values:
            times = piece.values["timestamp"].astype(np.float64)
            away = np.abs(times - ticks / self._dataset.fps)
            self.index["timestamp"].add(piece, ~(away <= self._limits.timestamp_slack_s))
            before = self._seen[1] if piece.tick else -np.inf
            steps = np.diff(times, prepend=before)
            self.index["order"].add(piece, steps <= 0)
            self._seen = (piece.episode, float(times[-1]))
        else:
            self._seen = (piece.episode, 0.0)

    def _take_vector(self, piece: Piece, name: str, flat: np.ndarray) -> None:
        self._hash.update(np.ascontiguousarray(piece.values[name]).tobytes())
        self._sums[name] = self._sums.get(name, 0.0) + np.nan_to_num(flat).sum(axis=0)
        if self._dataset.own is None:
            return
        spec = self._dataset.spec.state if name == STATE_KEY else self._dataset.spec.action
        slack = self._limits.range_slack
        for place, channel in enumerate(spec.channels[: flat.shape[1]]):
            column = flat[:, place]
            wrong = (column < channel.low - slack) | (column > channel.high + slack)
            self.outside[name, place].add(piece, wrong)

    def _close(self) -> None:
        """An episode has ended: keep what is told of it as a whole."""
        episode = self._seen[0]
        if episode >= 0:
            length = self._dataset.episodes[episode].length
            self.prints[episode] = self._hash.digest()
            for name, total in self._sums.items():
                self.means[name][episode] = total / length
        self._hash = hashlib.blake2b(digest_size=16)
        self._sums = {}
