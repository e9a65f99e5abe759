"""Trajectory: one drive as arrays, its pictures named and not held."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trajectory:
    """One drive of T control ticks, for augmentations that act on whole drives.

    state: (T, S) and action, executed: (T, A) float32, as in a dataset (action is the label,
    executed what drove). phases: T strings. task: the instruction. source: (T,) int64, which of the
    recorded frames each tick shows, never decreasing; mirrored, and turned ((T,) float64, rad that
    the robot is turned to the left of it), say how that frame is changed. chunk: (T, K, A) float32
    labels and chunk_valid: (T,) bool, where the dataset has them.
    """

    state: np.ndarray
    action: np.ndarray
    executed: np.ndarray
    phases: tuple[str, ...]
    task: str
    source: np.ndarray
    turned: np.ndarray
    mirrored: bool = False
    chunk: np.ndarray | None = None
    chunk_valid: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.action)

    def picture(self, frame: np.ndarray, tick: int, focal_px: float) -> np.ndarray:
        """What tick ``tick`` shows, from the recorded (H, W, 3) frame ``source[tick]``.

        focal_px: of the camera. A robot that is turned to the left sees all things further right.
        """
        if self.mirrored:
            frame = mirrored(frame)
        return moved_right(frame, focal_px * math.tan(self.turned[tick]))


def mirrored(frame: np.ndarray) -> np.ndarray:
    """(..., W, 3) with left and right exchanged; twice is nothing."""
    return np.ascontiguousarray(frame[..., ::-1, :])


def moved_right(frame: np.ndarray, pixels: float) -> np.ndarray:
    """(H, W, 3) moved right by whole pixels (rounded), its edge repeated; left where negative."""
    columns = np.arange(frame.shape[1]) - round(pixels)
    return frame[:, columns.clip(0, frame.shape[1] - 1)]
