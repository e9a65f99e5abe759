"""What a policy that looks and reads has to beat: three that cannot, of the very same data.

Two have the policy's own network, settings, data and number of steps, but every picture, or every
instruction, is hidden from them; the third knows the tick alone. A policy that succeeds no more
often than one of them does not use what that one lacks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from loopyard.core.errors import CheckpointError, expected
from loopyard.data.dataset import open_dataset
from loopyard.data.samples import Labels, split_episodes
from loopyard.policies.baselines import TapePolicy
from loopyard.policies.checkpoint import CONFIG, TRAINING, checkpoint_folder, read_json
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train
from loopyard.training.trainer import StepReport

MASKS: dict[str, Literal["image", "text"]] = {"image mask": "image", "text mask": "text"}
FRAME_INDEX = "frame index"
LACKS = {"image mask": "blind", "text mask": "deaf", FRAME_INDEX: "playing a tape"}
"""What a policy is called that does not beat the baseline."""

UNBUDGETED = ("minutes", "epochs", "steps", "init_from")


@dataclass(frozen=True)
class Lineage:
    """How a checkpoint came to be: settings of its last training, its datasets, and the steps of
    all trainings that led to it, one from another. digest: names all of that, by the datasets'
    content and not by where they lie."""

    settings: dict[str, Any]
    datasets: tuple[Path, ...]
    steps: int
    digest: str

    def masked(self, mask: Literal["image", "text"]) -> TrainConfig:
        """The settings of a training from nothing, as long in steps, with one input hidden."""
        return TrainConfig.model_validate(
            {**_kept(self.settings), "steps": self.steps, "masked": (mask,)}
        )


def lineage_of(checkpoint: Path) -> Lineage:
    """Read from its training.json, and from those of the checkpoints that it began from.

    Raises:
        CheckpointError: it, or one that it began from, does not say how it was trained.
    """
    folder = checkpoint_folder(checkpoint).resolve()
    facts = read_json(folder / TRAINING)
    for field, wanted in (("settings", "those of its training"), ("step", "a number of steps")):
        if not facts.get(field):
            found = facts.get(field)
            raise CheckpointError(expected(str(folder / TRAINING), field, found, wanted))
    # Paths are told from the folder that training wrote into.
    datasets = tuple((folder.parent / part["path"]).resolve() for part in facts.get("datasets", ()))
    origin = facts["settings"].get("init_from")
    before = 0
    if origin is not None and (folder.parent / origin / CONFIG).exists():
        before = lineage_of(folder.parent / origin).steps
    elif origin is not None:
        wanted = "the checkpoint it began from: a baseline is given as many steps as both had"
        raise CheckpointError(expected(str(folder / TRAINING), "init_from", origin, wanted))
    steps = before + int(facts["step"])
    content = [part.get("digest") for part in facts.get("datasets", ())]
    named = json.dumps([_kept(facts["settings"]), content, steps], sort_keys=True)
    digest = hashlib.sha256(named.encode()).hexdigest()[:8]
    return Lineage(facts["settings"], datasets, steps, digest)


def _kept(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in UNBUDGETED}


def train_masked(
    lineage: Lineage,
    mask: Literal["image", "text"],
    out: Path,
    on_step: Callable[[StepReport], None] | None = None,
) -> Path:
    """The checkpoint of a baseline; one that was begun in `out` goes on.

    Raises:
        as `loopyard.training.loop.train`.
    """
    return train(lineage.masked(mask), lineage.datasets, out, resume=True, on_step=on_step).last


def fit_tape(lineage: Lineage, ticks: int) -> TapePolicy:
    """At each tick the median of what the training split's episodes have for it.

    The median is what the smallest mean absolute error asks for, the loss that networks here have.
    ticks: of the longest drive; after the longest episode the last action stays.
    """
    share = float(lineage.settings.get("validation_share", 0.0))
    at: list[np.ndarray] = []
    actions: list[np.ndarray] = []
    for path in lineage.datasets:
        dataset = open_dataset(path)
        chosen, _ = split_episodes(dataset, share, int(lineage.settings.get("seed", 0)))
        labels = Labels(dataset, chosen)
        start = np.zeros(dataset.num_frames, np.int64)
        for entry in dataset.episodes:
            start[entry.from_index : entry.to_index] = entry.from_index
        at.append(labels.usable - start[labels.usable])
        actions.append(labels.targets(labels.usable, 1)[0][:, 0])
    tick, action = np.concatenate(at), np.concatenate(actions)
    told: list[np.ndarray] = []
    for number in range(tick.max() + 1):
        here = action[tick == number]
        if len(here):
            told.append(np.median(here, axis=0))
        else:  # no frame of it may start a sample
            told.append(told[-1] if told else np.zeros(action.shape[1]))
    tape = np.array([*told, *[told[-1]] * max(0, ticks - len(told))], np.float32)
    return TapePolicy(tape[:ticks])
