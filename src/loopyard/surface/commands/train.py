"""Train a policy on datasets, within a budget of minutes, steps or epochs.

Example: loopyard train --dataset data/starter --policy act-nano --minutes 6 --out checkpoints
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.training.config import TrainConfig
    from loopyard.training.loop import TrainResult
    from loopyard.training.trainer import StepReport


@dataclass(frozen=True)
class Options:
    """What to train, on what, for how long. Give exactly one of minutes, steps and epochs."""

    dataset: tuple[Path, ...]
    """dataset folders"""
    out: Path
    """folder for the checkpoints last, best and step_NNNNNN, log.jsonl and loss.svg"""
    policy: str = "act-nano"
    """act-nano, act; vla-nano or vla, which read the instruction"""
    minutes: float | None = None
    """budget in minutes of wall time"""
    steps: int | None = None
    """budget in batches"""
    epochs: float | None = None
    """budget in passes over the training frames"""
    resume: bool = False
    """go on from OUT/last with the same settings; only the budget may differ"""
    shares: tuple[float, ...] = ()
    """part of each batch that each dataset gives; default: by number of frames"""
    init_from: Path | None = None
    """checkpoint to fine-tune; its processing is kept"""
    cameras: tuple[str, ...] = ()
    """cameras the policy sees; default: all of the dataset"""
    batch_size: int | None = None
    """frames a batch"""
    lr: float | None = None
    """peak learning rate"""
    n_action_steps: int | None = None
    """actions of a chunk that are executed before the next prediction"""
    seed: int = 0
    """of weights, data order and augmentation"""
    threads: int = 0
    """processor threads; 0: all cores"""
    allow_failed_audit: bool = False
    """train on a dataset that failed its audit; the checkpoint says so"""
    set: dict[str, str] = field(default_factory=dict)
    """any other setting, as name value pairs: --set ema_decay 0.995 augmentation.shift_px 2"""


def run(options: Options, console: Console) -> int:
    """Train, or go on training."""
    result = run_training(
        train_config(options),
        options.dataset,
        options.out,
        resume=options.resume,
        console=console,
    )
    console.result(result.to_dict(), summary_of(result))
    return 0


def run_training(
    config: TrainConfig, datasets: Sequence[Path], out: Path, *, resume: bool, console: Console
) -> TrainResult:
    """Train with a bar of progress."""
    from loopyard.training.loop import train

    with console.progress(100, "% of budget", "train") as progress:

        def on_step(report: StepReport) -> None:
            held_out = "" if report.val_loss is None else f", held out {report.val_loss:.4f}"
            if (rmse := report.held_out.get("rmse_velocity_act")) is not None:
                held_out += f" (RMSE {rmse:.3f} m/s)"
            progress.update(
                round(100 * report.share, 1),
                note=f"step {report.step}, loss {report.loss:.4f}{held_out}, "
                f"{report.samples_per_s:.0f} samples/s",
            )

        return train(config, datasets, out, resume=resume, on_step=on_step)


def train_config(options: Options) -> TrainConfig:
    """The options as a `TrainConfig`. Raises ConfigError naming the field."""
    given: dict[str, Any] = {
        "policy": options.policy,
        "minutes": options.minutes,
        "steps": options.steps,
        "epochs": options.epochs,
        "seed": options.seed,
        "threads": options.threads,
        "allow_failed_audit": options.allow_failed_audit,
        "init_from": options.init_from,
        "shares": options.shares or None,
        "cameras": options.cameras or None,
        "batch_size": options.batch_size,
        "lr": options.lr,
        "n_action_steps": options.n_action_steps,
    }
    return config_of(given, options.set)


def config_of(given: dict[str, Any], overrides: dict[str, str]) -> TrainConfig:
    """Settings as a `TrainConfig`; None takes the default. Raises ConfigError naming the field."""
    from loopyard.core.values import put, yaml_value
    from loopyard.policies.config import validated
    from loopyard.training.config import TrainConfig

    data = {name: value for name, value in given.items() if value is not None}
    for name, value in overrides.items():
        put(data, name, yaml_value(value, "--set", name), "--set")
    return validated(TrainConfig, "train", data)


def summary_of(result: TrainResult) -> str:
    """What a training came to, in a line."""
    held_out = "" if result.best_loss is None else f", best held-out loss {result.best_loss:.4f}"
    return (
        f"{result.steps} steps in {result.wall_s:.0f} s, {result.samples_per_s:.0f} samples/s: "
        f"loss {result.final_loss:.4f}{held_out}; policy in {result.last}"
    )
