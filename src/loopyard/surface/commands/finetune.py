"""Teach a policy a patch of new data while it rehearses the old, at a small rate.

Example: loopyard finetune --policy runs/mine --patch data/walls --rehearse data/starter
         --minutes 5 --out runs/walls
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.training.config import TrainConfig


@dataclass(frozen=True)
class Options:
    """What to go on from, what is new, what must not be forgotten. Give minutes or steps."""

    policy: Path
    """checkpoint to go on from; its sizes, scaling and statistics stay"""
    patch: Path
    """dataset folder with what is new"""
    out: Path
    """folder for the checkpoints, as loopyard train writes them"""
    rehearse: tuple[Path, ...] = ()
    """dataset folders that the policy was trained on, lest it forget them"""
    share: float = 0.3
    """part of each batch that is rehearsed; the rest is patch"""
    lr: float = 5e-6
    """peak learning rate"""
    minutes: float | None = None
    """budget in minutes of wall time"""
    steps: int | None = None
    """budget in batches"""
    resume: bool = False
    """go on from OUT/last with the same settings; only the budget may differ"""
    batch_size: int | None = None
    """frames a batch"""
    seed: int = 0
    """of data order and augmentation"""
    threads: int = 0
    """processor threads; 0: all cores"""
    set: dict[str, str] = field(default_factory=dict)
    """any other setting of training, as name value pairs: --set ema_decay 0.995"""


def run(options: Options, console: Console) -> int:
    """Fine-tune, or go on with it."""
    from loopyard.surface.commands.train import run_training, summary_of
    from loopyard.training.batches import BatchPlan

    config = finetune_config(options)
    datasets = (options.patch, *options.rehearse)
    counts = BatchPlan([1] * len(datasets), config.samples_a_step, config.shares, 0).counts
    batch = dict(zip(map(str, datasets), counts, strict=True))
    told = ", ".join(f"{count} of {path}" for path, count in batch.items())
    console.print(f"each step takes {told}: {counts[0] / sum(counts):.0%} patch")
    result = run_training(config, datasets, options.out, resume=options.resume, console=console)
    facts = {**result.to_dict(), "batch": batch, "patch_share": counts[0] / sum(counts)}
    console.result(facts, summary_of(result))
    return 0


def finetune_config(options: Options) -> TrainConfig:
    """The options as a `TrainConfig`.

    Raises:
        ConfigError: naming the field. DatasetError: a rehearsed dataset cannot be opened.
    """
    from loopyard.core.errors import ConfigError, expected
    from loopyard.data.dataset import open_dataset
    from loopyard.policies.checkpoint import checkpoint_folder
    from loopyard.surface.commands.train import config_of

    if not 0.0 <= options.share < 1.0:
        raise ConfigError(expected("finetune", "share", options.share, "0 or more, below 1"))
    old = [open_dataset(path).num_frames for path in options.rehearse]
    patch_share = 1.0 - options.share if old else 1.0
    shares = (patch_share, *((1.0 - patch_share) * frames / sum(old) for frames in old))
    given: dict[str, Any] = {
        "init_from": checkpoint_folder(options.policy),
        "shares": shares,
        "lr": options.lr,
        "minutes": options.minutes,
        "steps": options.steps,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "threads": options.threads,
    }
    return config_of(given, options.set)
