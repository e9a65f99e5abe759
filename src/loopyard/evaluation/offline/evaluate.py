"""Offline evaluation of checkpoints on a dataset, and what their rollouts say of each metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loopyard.core.errors import DatasetError, expected
from loopyard.core.machine import usable_cores
from loopyard.core.specs import WorldSpec
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.evaluation.identity import policy_digest
from loopyard.evaluation.offline.closed_loop import ClosedLoop, found_rollouts, on_shared_scenes
from loopyard.evaluation.offline.correlation import Correlation, correlate
from loopyard.evaluation.offline.metrics import BETTER, TOLERANCE, Collector, Measured
from loopyard.evaluation.offline.predictions import predict_episodes
from loopyard.evaluation.offline.training_curve import TrainingCurve, gap_at, read_curve
from loopyard.policies.checkpoint import TRAINING, checkpoint_folder, load_policy, read_json
from loopyard.training.journal import LOG

FRAMES = 5000


@dataclass(frozen=True)
class OfflineRow:
    """One checkpoint. closed_loop: None where no rollout of it was found."""

    path: Path
    measured: Measured
    closed_loop: ClosedLoop | None
    curve: TrainingCurve | None


@dataclass(frozen=True)
class OfflineResult:
    """Checkpoints on the same frames of a dataset, which none of them was trained on.

    correlations: {metric: with success}, over the checkpoints that have rollouts. notes: what a
    reader should know before believing a number.
    """

    dataset: str
    episodes: list[int]
    rows: list[OfflineRow]
    correlations: dict[str, Correlation]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        curves = {str(row.curve.path): row.curve for row in self.rows if row.curve is not None}
        return {
            "dataset": self.dataset,
            "episodes": self.episodes,
            "frames": self.rows[0].measured.facts["frames"],
            "checkpoints": [_row_dict(row) for row in self.rows],
            "correlations": {
                name: {"better": BETTER[name], **part.to_dict()}
                for name, part in self.correlations.items()
            },
            "training": [curve.to_dict() for curve in curves.values()],
            "notes": self.notes,
        }


def _row_dict(row: OfflineRow) -> dict[str, Any]:
    measured = row.measured
    return {
        "checkpoint": str(row.path),
        "metrics": measured.values,
        "channels": measured.channels,
        "phases": measured.phases,
        "facts": measured.facts,
        "closed_loop": row.closed_loop.to_dict() if row.closed_loop else None,
    }


def evaluate_offline(
    checkpoints: Sequence[str | Path],
    dataset: str | Path,
    *,
    frames: int = FRAMES,
    tolerance: float = TOLERANCE,
    rollouts: Sequence[Path] = (),
    seen: bool = False,
    on_episode: Callable[[], None] | None = None,
) -> OfflineResult:
    """Measure every checkpoint on the same held-out episodes of ``dataset``.

    Episodes that any of the checkpoints was trained on are left out, unless ``seen``. Of the rest
    whole episodes are taken, evenly, until they have ``frames`` frames. rollouts: places with
    records, besides the checkpoints' own run folders.

    Raises:
        DatasetError: no held-out episode, a damaged file, or records that are none.
        CheckpointError: a checkpoint is damaged, or does not fit the dataset.
    """
    opened = open_dataset(dataset)
    found, notes = _different([_Trained.at(path) for path in checkpoints])
    episodes = _chosen(opened, found, frames, seen=seen)
    threads = torch.get_num_threads()
    torch.set_num_threads(usable_cores())
    try:
        rows = [
            _measure(checkpoint, opened, episodes, tolerance, rollouts, on_episode)
            for checkpoint in found
        ]
    finally:
        torch.set_num_threads(threads)
    notes += _notes(rows, seen=seen)
    shared = on_shared_scenes([row.closed_loop for row in rows])
    rows = [
        OfflineRow(row.path, row.measured, drives, row.curve)
        for row, drives in zip(rows, shared, strict=True)
    ]
    return OfflineResult(str(dataset), episodes, rows, _correlations(rows), notes)


@dataclass(frozen=True)
class _Trained:
    """A checkpoint folder and its training.json, {} for a foreign one; its weights load later."""

    path: Path
    facts: dict[str, Any]

    @classmethod
    def at(cls, path: str | Path) -> _Trained:
        folder = checkpoint_folder(path)
        facts = folder / TRAINING
        return cls(folder, read_json(facts) if facts.exists() else {})


def _different(checkpoints: Sequence[_Trained]) -> tuple[list[_Trained], list[str]]:
    """Each policy once: the same one twice would count twice in a correlation."""
    found: dict[str, _Trained] = {}
    notes = []
    for checkpoint in checkpoints:
        digest = policy_digest(checkpoint.path)
        if digest in found:
            notes.append(f"{checkpoint.path} is left out: the same policy as {found[digest].path}")
        found.setdefault(digest, checkpoint)
    return list(found.values()), notes


def _chosen(
    dataset: Dataset, checkpoints: Sequence[_Trained], frames: int, *, seen: bool
) -> list[int]:
    trained: set[int] = set()
    for checkpoint in checkpoints:
        for part in checkpoint.facts.get("datasets", ()):
            if part.get("digest") == dataset.digest:
                trained.update(part.get("train_episodes", ()))
    free = [e.index for e in dataset.episodes if seen or e.index not in trained]
    if not free:
        wanted = "episodes that no checkpoint was trained on, or --seen to measure on those"
        raise DatasetError(expected(str(dataset.root), "held-out episodes", 0, wanted))
    total = sum(dataset.episodes[index].length for index in free)
    count = max(1, min(len(free), round(len(free) * frames / total)))
    return [free[place] for place in np.linspace(0, len(free) - 1, count).round().astype(int)]


def _measure(
    checkpoint: _Trained,
    dataset: Dataset,
    episodes: Sequence[int],
    tolerance: float,
    rollouts: Sequence[Path],
    on_episode: Callable[[], None] | None,
) -> OfflineRow:
    path = checkpoint.path
    policy = load_policy(path)
    _require_fit(path, getattr(policy, "spec", None), dataset.spec)
    processing = getattr(policy, "processing", None)
    settings = checkpoint.facts.get("settings", {})
    collector = Collector(
        dataset.spec.action.names,
        np.array([[channel.low, channel.high] for channel in dataset.spec.action.channels]),
        dataset.fps,
        policy.n_action_steps,
        decay=float(settings.get("step_weight_decay", 1.0)),
        normalise=processing.normalise_action if processing else None,
        tolerance=tolerance,
    )
    config = getattr(policy, "config", None)
    cameras = getattr(config, "cameras", None) or [c.name for c in dataset.spec.cameras]
    for episode in predict_episodes(policy, dataset, episodes, cameras):
        collector.add(episode)
        if on_episode is not None:
            on_episode()
    if not collector.frames:
        raise DatasetError(expected(str(dataset.root), "labelled frames", 0, "at least 1"))
    measured = collector.measure()
    curve = read_curve(path.resolve().parent / LOG, _steps_an_epoch(checkpoint.facts))
    losses = gap_at(curve.rows, int(checkpoint.facts.get("step", 0))) if curve else None
    measured.values["gap"] = losses[1] / losses[0] if losses and losses[0] > 0 else None
    return OfflineRow(path, measured, found_rollouts(path, policy.n_action_steps, rollouts), curve)


def _require_fit(path: Path, known: WorldSpec | None, spec: WorldSpec) -> None:
    for name in ("action", "state"):
        wanted = getattr(spec, name).names
        found = getattr(known, name).names if known else None
        if found is not None and found != wanted:
            raise DatasetError(
                expected(str(path), f"{name} channels", found, f"{wanted}, the dataset's")
            )


def _steps_an_epoch(facts: dict[str, Any]) -> float:
    """Steps in which training takes every frame once, by what the checkpoint says; 0: unknown."""
    settings = facts.get("settings", {})
    samples = settings.get("batch_size", 0) * settings.get("accumulate", 1)
    frames = sum(part.get("usable_frames", 0) for part in facts.get("datasets", ()))
    return frames / samples if samples else 0.0


def _correlations(rows: Sequence[OfflineRow]) -> dict[str, Correlation]:
    found = {}
    for name in BETTER:
        pairs = [
            (value, row.closed_loop.rate)
            for row in rows
            if row.closed_loop and (value := row.measured.values[name]) is not None
        ]
        found[name] = correlate([value for value, _ in pairs], [rate for _, rate in pairs])
    return found


def _notes(rows: Sequence[OfflineRow], *, seen: bool) -> list[str]:
    notes = []
    if seen:
        notes.append("measured on episodes that a checkpoint may have been trained on")
    driven = [row.closed_loop for row in rows if row.closed_loop is not None]
    if len(driven) > 1 and not set.intersection(*(set(part.by_scene) for part in driven)):
        notes.append("the checkpoints drove different scenes: their success is not comparable")
    return notes
