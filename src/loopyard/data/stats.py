"""Statistics of features, in LeRobot's form: min, max, mean, std, count and five quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from loopyard.data.yuv import YuvPicture

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
Stats = dict[str, np.ndarray]
"""Each value float64 of the feature's shape; ``count`` is (1,) int64."""


def feature_stats(values: np.ndarray) -> Stats:
    """Statistics over the first axis of (N, C) or (N,) numbers; N at least 1.

    Quantiles are interpolated linearly, as numpy does. std is that of the population.
    """
    columns = np.asarray(values, dtype=np.float64)
    columns = columns.reshape(len(columns), -1)
    ordered = np.sort(columns, axis=0)
    stats = {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": columns.mean(axis=0),
        "std": columns.std(axis=0),
        "count": np.array([len(columns)], dtype=np.int64),
    }
    for name, share in QUANTILES.items():
        place = share * (len(columns) - 1)
        low = int(place)
        high = min(low + 1, len(columns) - 1)
        stats[name] = ordered[low] + (place - low) * (ordered[high] - ordered[low])
    return stats


class ImageHistogram:
    """Counts of the 256 levels of each colour channel: every statistic of LeRobot's follows.

    Adding two of them up is exact, and memory is constant; so a recorder keeps one a camera.
    """

    LARGEST_SIDE_PX = 150
    """Frames over twice this are thinned to about it, as LeRobot does before its statistics."""
    EVERY = 4
    """One frame in this many is counted."""

    def __init__(self) -> None:
        self.counts = np.zeros((3, 256), np.int64)
        self.frames = 0
        self._seen = 0

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ImageHistogram:
        """Inverse of `to_dict`. Raises KeyError, TypeError or ValueError on a malformed dict."""
        histogram = cls()
        histogram.counts += np.asarray(data["counts"], np.int64).reshape(3, 256)
        histogram.frames = int(data["frames"])
        return histogram

    def to_dict(self) -> dict[str, Any]:
        return {"frames": self.frames, "counts": self.counts.tolist()}

    def merge(self, other: ImageHistogram) -> None:
        """Count what the other counted as well."""
        self.counts += other.counts
        self.frames += other.frames

    def offer(self, frame: np.ndarray | YuvPicture) -> None:
        """Count the levels of a frame, (H, W, 3) uint8 RGB or YUV, if it is its turn."""
        if self._seen % self.EVERY == 0:
            largest = max(frame.shape[:2])
            step = 1 if largest < 2 * self.LARGEST_SIDE_PX else largest // self.LARGEST_SIDE_PX
            array = isinstance(frame, np.ndarray)
            self.count(frame[::step, ::step] if array else frame.thinned(step))
            self.frames += 1
        self._seen += 1

    def count(self, pixels: np.ndarray) -> None:
        """Count the levels of these pixels, (..., 3) uint8 RGB."""
        for channel in range(3):
            self.counts[channel] += np.bincount(pixels[..., channel].ravel(), minlength=256)

    def stats(self) -> Stats:
        """(3, 1, 1) float64 each, in [0, 1]; ``count`` is the number of frames counted."""
        levels = np.arange(256) / 255.0
        totals = self.counts.sum(axis=1, keepdims=True)
        shares = self.counts / np.maximum(totals, 1)
        mean = (shares * levels).sum(axis=1)
        std = np.sqrt(np.maximum((shares * levels**2).sum(axis=1) - mean**2, 0.0))
        present = self.counts > 0
        reached = np.cumsum(shares, axis=1)
        stats = {
            "min": levels[present.argmax(axis=1)],
            "max": levels[255 - present[:, ::-1].argmax(axis=1)],
            "mean": mean,
            "std": std,
        }
        for name, share in QUANTILES.items():
            stats[name] = levels[(reached >= share - 1e-12).argmax(axis=1)]
        shaped = {name: value.reshape(3, 1, 1) for name, value in stats.items()}
        shaped["count"] = np.array([self.frames], dtype=np.int64)
        return shaped


def jsonable(stats: dict[str, Stats]) -> dict[str, Any]:
    """{feature: {statistic: nested lists}}, as meta/stats.json holds it."""
    return {
        feature: {name: value.tolist() for name, value in part.items()}
        for feature, part in stats.items()
    }
