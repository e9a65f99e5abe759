"""From dataset folders to samples: audited, split by episode, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import WorldSpec
from loopyard.policies.processing import statistics_of
from loopyard.policies.words import vocabulary_of
from loopyard.training.batches import Samples
from loopyard.training.config import TrainConfig

STATISTICS_IMAGES = 512
"""Images over which the colour statistics are taken: more than three means need."""
STATISTICS_SIDE = 64
"""Of larger images only every n-th pixel counts, so that about so many of a side are left."""


@dataclass(frozen=True)
class Source:
    """One dataset as training takes it. validation is None where no episode is held out.

    strata: of each episode, in order, its first frame and its strata {kind: stratum}.
    """

    training: Samples
    validation: Samples | None
    facts: dict[str, Any] = field(default_factory=dict)
    strata: tuple[tuple[int, Mapping[str, str]], ...] = ()

    def strata_of(self, frames: np.ndarray) -> list[Mapping[str, str]]:
        """The strata of the episodes that (B,) frames are of; {} where nothing is told."""
        if not self.strata:
            return [{}] * len(frames)
        places = np.searchsorted([first for first, _ in self.strata], frames, side="right") - 1
        return [self.strata[place][1] for place in places]


@dataclass(frozen=True)
class Sources:
    """All datasets of a run; they agree on what their numbers mean."""

    spec: WorldSpec
    parts: list[Source]

    def vocabulary(self) -> tuple[str, ...]:
        """The words of all instructions, the most frequent first."""
        return vocabulary_of(task for part in self.parts for task in part.training.tasks)

    def statistics(self, cameras: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
        """Statistics over the frames of the training splits that may start a sample."""
        images = {
            camera: np.concatenate(
                [
                    _spread(
                        part.training.images[camera],
                        part.training.usable,
                        max(1, STATISTICS_IMAGES // len(self.parts)),
                    )
                    for part in self.parts
                ]
            )
            for camera in cameras
        }
        rows = [(part.training, part.training.usable) for part in self.parts]
        return statistics_of(
            images,
            np.concatenate([s.state[usable] for s, usable in rows]),
            np.concatenate([s.action[usable] for s, usable in rows]),
        )


def _spread(images: np.ndarray, usable: np.ndarray, count: int) -> np.ndarray:
    """About ``count`` images, evenly over the frames, thinned."""
    thin = max(1, min(images.shape[1:3]) // STATISTICS_SIDE)
    return np.stack([images[i, ::thin, ::thin] for i in usable[:: max(1, len(usable) // count)]])


def open_sources(
    config: TrainConfig,
    paths: Sequence[Path],
    cameras: Sequence[str] | None,
    image_size: Callable[[WorldSpec], tuple[int, int]],
) -> Sources:
    """Audit, split and open the datasets of a run.

    image_size: what (height, width) the network takes, given the world.

    Raises:
        DatasetError: a dataset is damaged, fails its audit, has no usable frame, or its numbers
            mean something else than the first one's.
    """
    from loopyard.data.audit.strata import told_strata
    from loopyard.data.dataset import open_dataset
    from loopyard.data.samples import Samples as DatasetSamples
    from loopyard.data.samples import split_episodes

    if not paths:
        raise DatasetError(expected("train", "dataset", "none", "at least one dataset folder"))
    parts: list[Source] = []
    first: WorldSpec | None = None
    for path in paths:
        verdict = _audited(Path(path), allow_failed=config.allow_failed_audit)
        dataset = open_dataset(path)
        first = first or dataset.spec
        _require_same(first, dataset.spec, Path(path))
        chosen = list(cameras or [camera.name for camera in first.cameras])
        train, held_out = split_episodes(dataset, config.validation_share, config.seed)
        size = image_size(first)
        training = DatasetSamples(dataset, train, chosen, size)
        validation = DatasetSamples(dataset, held_out, chosen, size) if held_out else None
        if len(training.usable) == 0:
            raise DatasetError(expected(str(path), "usable frames", 0, "at least one"))
        parts.append(
            Source(
                training,
                validation,
                {
                    "path": str(path),
                    "digest": dataset.digest,
                    "frames": dataset.num_frames,
                    "usable_frames": len(training.usable),
                    "train_episodes": list(train),
                    "validation_episodes": list(held_out),
                    **verdict,
                },
                tuple((entry.from_index, told_strata(entry)) for entry in dataset.episodes),
            )
        )
    assert first is not None
    return Sources(first, parts)


def _audited(path: Path, *, allow_failed: bool) -> dict[str, Any]:
    from loopyard.data.audit import remembered_audit

    report = remembered_audit(path)
    if report.verdict == "fail" and not allow_failed:
        reasons = "; ".join(
            f"{check.name}: found {check.found}, expected {check.expected}"
            for check in report.checks
            if check.verdict == "fail"
        )
        raise DatasetError(
            f"{path}: audit: found 'fail' ({reasons}), expected 'pass' or 'warn'; "
            "--allow-failed-audit trains on it and says so in the checkpoint"
        )
    return {"audit": report.verdict, "audit_overridden": report.verdict == "fail"}


def _require_same(first: WorldSpec, spec: WorldSpec, path: Path) -> None:
    for name in ("state", "action", "fps"):
        found, wanted = getattr(spec, name), getattr(first, name)
        if found != wanted:
            raise DatasetError(
                expected(
                    str(path), name, _brief(found), f"{_brief(wanted)}, as in the first dataset"
                )
            )


def _brief(part: Any) -> Any:
    return part.names if hasattr(part, "names") else part
