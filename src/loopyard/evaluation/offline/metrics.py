"""Offline metrics: how far predictions on recorded frames are from their labels, in many ways.

Errors are over the part of each chunk that is executed (its first ``n_action_steps``), in the unit
of the action. A metric is None where the dataset does not tell what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from loopyard.evaluation.offline.predictions import Predicted
from loopyard.training.loss import chunk_l1, step_weights

TOLERANCE = 0.1
IDLE = 0.05
"""An action channel under this is at rest, as in `loopyard.core.outcome.Outcome`."""
ACTION_BINS = 5
"""Equal parts of a channel's range, the middle one around zero."""
TRANSITION_S = 0.5
"""A frame within this time of a change of phase is at a transition."""
LEAST_SPREAD = 1e-6

LOWER, HIGHER = "lower", "higher"
BETTER: dict[str, str] = {
    "loss": LOWER,
    "mae": LOWER,
    "rmse": LOWER,
    "phase_mae": LOWER,
    "bin_mae": LOWER,
    "within": HIGHER,
    "transition_mae": LOWER,
    "distance": LOWER,
    "spread": HIGHER,
    "border_jerk": LOWER,
    "idle_off": LOWER,
    "gap": LOWER,
}
"""Every metric that is one number a checkpoint, and which way is better."""

PerChannel = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Measured:
    """What was measured of one checkpoint. values: by the names of `BETTER`; channels: {channel:
    {measure: value}}; phases: {phase: {"mae", "frames"}}; facts: shares and counts beside them."""

    values: dict[str, float | None]
    channels: PerChannel
    phases: dict[str, dict[str, float]]
    facts: dict[str, Any] = field(default_factory=dict)


class Collector:
    """Takes the predictions of one episode after another, and keeps what metrics need of them.

    Args:
        steps: actions of a chunk that are executed. decay: weight of step k of a chunk in the loss
            is this to the power k. normalise: actions to the unit of the loss.
    """

    def __init__(
        self,
        names: Sequence[str],
        limits: np.ndarray,
        fps: int,
        steps: int,
        *,
        decay: float = 1.0,
        normalise: Callable[[torch.Tensor], torch.Tensor] | None = None,
        tolerance: float = TOLERANCE,
    ) -> None:
        self.names, self.limits, self.fps, self.steps = list(names), limits, fps, steps
        self._decay, self._normalise, self._tolerance = decay, normalise, tolerance
        self._loss = self._loss_frames = 0.0
        self._errors: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        self._phases: list[np.ndarray] = []
        self._at_change: list[np.ndarray] = []
        self._firsts: list[np.ndarray] = []
        self._jerks: list[tuple[np.ndarray, np.ndarray]] = []
        self.frames = 0

    def add(self, episode: Predicted) -> None:
        """Take one episode."""
        kept = episode.labelled
        if not kept.any():
            return
        self.frames += int(kept.sum())
        self._add_loss(episode)
        self._jerks.append(_border_jerks(episode, self.steps, self.fps))
        part = slice(0, self.steps)
        chunks, targets = episode.chunks[kept, part], episode.targets[kept, part]
        valid = ~episode.is_pad[kept, part]
        self._firsts.append(np.stack([chunks[:, 0], targets[:, 0]]))
        self._errors.append((chunks - targets)[valid])
        self._labels.append(targets[valid])
        near = _near_changes(episode.phases, round(TRANSITION_S * self.fps))
        frame = np.broadcast_to(np.arange(int(kept.sum()))[:, None], valid.shape)[valid]
        self._phases.append(episode.phases[kept][frame])
        self._at_change.append(near[kept][frame])

    def _add_loss(self, episode: Predicted) -> None:
        kept = episode.labelled
        chunks = torch.from_numpy(episode.chunks[kept])
        targets = torch.from_numpy(episode.targets[kept])
        if self._normalise is not None:
            chunks, targets = self._normalise(chunks), self._normalise(targets)
        weights = step_weights(chunks.shape[1], self._decay)
        loss, _ = chunk_l1(chunks, targets, torch.from_numpy(episode.is_pad[kept]), weights)
        self._loss += float(loss) * len(chunks)
        self._loss_frames += len(chunks)

    def measure(self) -> Measured:
        """All that was taken, in numbers. At least one frame must have been."""
        errors, labels = np.concatenate(self._errors), np.concatenate(self._labels)
        away = np.abs(errors)
        phases, near = np.concatenate(self._phases), np.concatenate(self._at_change)
        predicted, wanted = np.concatenate(self._firsts, axis=1)
        told = len(set(phases.tolist())) > 1
        by_phase = {
            str(phase): {
                "mae": _mean(away[phases == phase]),
                "frames": int((phases == phase).sum()),
            }
            for phase in (np.unique(phases) if told else ())
        }
        distances = wasserstein(predicted, wanted)
        spreads = spread_ratios(predicted, wanted)
        bins = _bin_mae(away, labels, self.limits)
        made, given = (_mean(np.concatenate(part)) for part in zip(*self._jerks, strict=True))
        idle = [float((np.abs(part) < IDLE).all(1).mean()) for part in (predicted, wanted)]
        values: dict[str, float | None] = {
            "loss": self._loss / self._loss_frames,
            "mae": _mean(away),
            "rmse": float(np.sqrt((errors**2).mean())),
            "phase_mae": _mean([part["mae"] for part in by_phase.values()]) if told else None,
            "bin_mae": float(np.nanmean(bins)),
            "within": float((away <= self._tolerance).all(1).mean()),
            "transition_mae": _mean(away[near]) if near.any() else None,
            "distance": float(distances.mean()),
            "spread": float(np.nanmin(spreads)) if np.isfinite(spreads).any() else None,
            "border_jerk": made / given if given > 0 else None,
            "idle_off": abs(idle[0] - idle[1]),
        }
        channels = {
            name: {
                "mae": float(away[:, i].mean()),
                "rmse": float(np.sqrt((errors[:, i] ** 2).mean())),
                "bin_mae": float(bins[i]),
                "within": float((away[:, i] <= self._tolerance).mean()),
                "distance": float(distances[i]),
                "spread": float(spreads[i]),
            }
            for i, name in enumerate(self.names)
        }
        facts = {
            "frames": self.frames,
            "idle_share": idle[0],
            "idle_share_of_labels": idle[1],
            "transition_share": float(near.mean()),
            "elsewhere_mae": _mean(away[~near]) if told and not near.all() else None,
            "border_jerk_per_s2": made,
            "label_jerk_per_s2": given,
            "tolerance": self._tolerance,
        }
        return Measured(values, channels, by_phase, facts)


def wasserstein(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(A,) first Wasserstein distances between the columns of two (N, A) arrays.

    In one dimension the best transport keeps the order, so it is the mean distance of the sorted
    values (C. Villani, Topics in Optimal Transportation, 2003, section 2.2).
    """
    return np.abs(np.sort(one, axis=0) - np.sort(other, axis=0)).mean(0)


def spread_ratios(predicted: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(A,) standard deviation of the predictions over that of the labels; NaN where labels do not
    vary. Well under 1, a policy answers with a mean whatever it sees: its modes have collapsed."""
    spread = wanted.std(0)
    return np.where(spread > LEAST_SPREAD, predicted.std(0) / np.maximum(spread, 1e-12), np.nan)


def _bin_mae(away: np.ndarray, labels: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """(A,) mean over the parts of a channel's range of the error there: rare labels weigh as much
    as frequent ones. limits: (A, 2). Where none are told, the range is that of the labels."""
    found = np.empty(away.shape[1])
    for channel in range(away.shape[1]):
        low, high = limits[channel]
        if not np.isfinite([low, high]).all() or high - low > 1e6:
            low, high = labels[:, channel].min(), labels[:, channel].max()
        width = max(high - low, 1e-12)
        place = ((labels[:, channel] - low) / width * ACTION_BINS).astype(int)
        place = place.clip(0, ACTION_BINS - 1)
        found[channel] = np.mean([away[place == part, channel].mean() for part in np.unique(place)])
    return found


def _near_changes(phases: np.ndarray, ticks: int) -> np.ndarray:
    """(T,) bool: at most so many ticks from the first frame of another phase."""
    near = np.zeros(len(phases), bool)
    for change in np.flatnonzero(phases[1:] != phases[:-1]) + 1:
        near[max(0, change - ticks) : change + ticks + 1] = True
    return near


def _border_jerks(episode: Predicted, steps: int, fps: int) -> tuple[np.ndarray, np.ndarray]:
    """Where one executed chunk follows another: |second difference| of what would be executed, and
    of the labels at the same ticks, in 1/s^2 (the jerk, where actions are velocities)."""
    length = len(episode.chunks)
    starts = np.arange(0, length, steps)
    played = np.concatenate([episode.chunks[at, :steps] for at in starts])[:length]
    borders = starts[1:]
    middles = np.unique(np.concatenate([borders - 1, borders]))
    middles = middles[(middles >= 1) & (middles < length - 1)]

    def jerks(values: np.ndarray) -> np.ndarray:
        second = values[middles + 1] - 2 * values[middles] + values[middles - 1]
        return np.abs(second).mean(1) * fps**2

    return jerks(played), jerks(episode.targets[:, 0])


def _mean(values: np.ndarray | Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
