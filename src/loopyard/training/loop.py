"""The training loop: batches in, checkpoints out, within a budget, resumable at every step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from loopyard.core.clock import Clock, Stopwatch, SystemClock
from loopyard.core.errors import (
    Interrupted,
    NoSpaceError,
    TrainingError,
)
from loopyard.core.machine import usable_cores
from loopyard.store.atomic import recover_folder
from loopyard.store.space import free_bytes, require_space
from loopyard.training.config import TrainConfig
from loopyard.training.journal import LOG, Journal
from loopyard.training.kept import BEST, LAST, thin
from loopyard.training.resume import found_progress, settings_digest
from loopyard.training.setup import Setup, prepare
from loopyard.training.sources import Sources
from loopyard.training.state import Progress
from loopyard.training.stop import StopRequest
from loopyard.training.trainer import StepReport, Trainer

InUse = Callable[[], Collection[Path]]
"""Tells the checkpoints that somebody reads just now."""

FINAL = 1.0
"""The share of the budget in a run's last row alone."""

ROOM_TO_BEGIN, ROOM_TO_GO_ON = 2.5, 1.5
"""Free space that a run asks for, in sizes of its largest checkpoint: two stand side by side while
one replaces the other, and half a size is for all else. Below the second a run pauses."""


@dataclass(frozen=True)
class TrainResult:
    """What a run came to. best and last are checkpoint folders; best_loss is of validation."""

    final_loss: float
    best_loss: float | None
    steps: int
    samples_per_s: float
    wall_s: float
    best: Path
    last: Path

    def to_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "best": str(self.best), "last": str(self.last)}


def train(
    config: TrainConfig,
    datasets: Sequence[Path] | Sources,
    out: Path,
    *,
    resume: bool = False,
    on_step: Callable[[StepReport], None] | None = None,
    deadline_s: float | None = None,
    clock: Clock | None = None,
    in_use: InUse = tuple,
) -> TrainResult:
    """Train a policy and write ``last``, ``best``, ``step_NNNNNN`` and ``top_NNNNNN`` checkpoints
    under ``out``.

    resume: go on from ``out/last``, with the same settings (only the budget may differ); where
    there is none, begin. deadline_s: ``clock.monotonic()`` at which to stop in any case. in_use:
    checkpoints that must stay for now, though newer or better ones came.

    Raises:
        ConfigError, DatasetError, CheckpointError: settings, data or a checkpoint do not fit.
        TrainingError: loss or gradients stayed non-finite after a rollback, or the GPU's memory
            does not hold a quarter of a batch.
        Interrupted: SIGINT or SIGTERM; ``last`` holds all that was done.
        NoSpaceError: the disk is full, or nearly; ``last`` holds what was done.
    """
    clock = clock or SystemClock()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    recover_folder(out / LAST)
    recover_folder(out / BEST)
    progress = found_progress(config, out, resume=resume)
    threads = torch.get_num_threads()
    generator = torch.get_rng_state()
    try:
        torch.set_num_threads(config.threads or usable_cores())
        setup = prepare(config, datasets, None if progress is None else out / LAST)
        with StopRequest() as stop:
            return _run(setup, out, progress, stop, on_step, deadline_s, clock, in_use)
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(generator)


def _run(
    setup: Setup,
    out: Path,
    progress: Progress | None,
    stop: StopRequest,
    on_step: Callable[[StepReport], None] | None,
    deadline_s: float | None,
    clock: Clock,
    in_use: InUse,
) -> TrainResult:
    config = setup.config
    _require_room(setup, out)
    trainer = Trainer(setup, out, progress or Progress(config_digest=settings_digest(config)))
    if progress is not None:
        trainer.restore(out / LAST)
    torch.set_num_threads(max(1, setup.threads // len(trainer.replicas.models)))
    try:
        return _learn(
            trainer,
            out,
            resumed=progress is not None,
            stop=stop,
            on_step=on_step,
            deadline_s=deadline_s,
            clock=clock,
            in_use=in_use,
        )
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{out}: batch: {config.batch_size} samples in {trainer.progress.pieces} pieces do not "
            "fit the GPU's memory, expected a smaller batch_size or a smaller network"
        ) from error
    finally:
        trainer.close()


def _learn(
    trainer: Trainer,
    out: Path,
    *,
    resumed: bool,
    stop: StopRequest,
    on_step: Callable[[StepReport], None] | None,
    deadline_s: float | None,
    clock: Clock,
    in_use: InUse,
) -> TrainResult:
    setup, config, progress = trainer.setup, trainer.config, trainer.progress
    watch = Stopwatch(clock, progress.seconds)
    budget = setup.budget(
        None if deadline_s is None else watch.used_s + max(0.0, deadline_s - clock.monotonic())
    )
    journal = Journal(out / LOG, resume_step=progress.step if resumed else None)
    if not resumed:
        trainer.save(LAST)
    start_step, start_s = progress.step, watch.seconds()
    saved_s = start_s
    while (share := budget.share(progress.step, watch.seconds())) < 1.0:
        if stop.requested:
            break
        report = trainer.step(share)
        progress.seconds = watch.seconds()
        step = progress.step
        due = step % config.validate_every == 0
        if due:
            report = trainer.validate(report)
        if due or step % config.log_every == 0 or step == 1:
            journal.add(trainer.row(report))
        at_checkpoint = step % config.checkpoint_every == 0
        if at_checkpoint or progress.seconds - saved_s >= config.save_every_s:
            saved_s = progress.seconds
            if at_checkpoint:
                trainer.save(f"step_{step:06d}")
            if trainer.is_sound():
                trainer.save(LAST)
                journal.sync()
                thin(out, config.keep, progress.top, in_use())
            _pause_at_low_water(setup, out, step)
        if on_step is not None:
            on_step(report)
    if stop.requested:
        if trainer.is_sound():
            trainer.save(LAST)
        journal.sync()
        raise Interrupted(
            f"{out}: stopped after {progress.step} steps; the same command again "
            "(of loopyard train, with --resume) goes on from there"
        )
    # also where all steps had been done: a kill may have come between the last of them and this
    final = trainer.validate(trainer.report(FINAL))
    progress.seconds = watch.seconds()
    wall_s = watch.seconds() - start_s
    if progress.step == start_step and journal.rows:
        rates = [row["samples_per_s"] for row in journal.rows if row["samples_per_s"]]
        samples_per_s = rates[-1] if rates else 0.0
    else:
        samples_per_s = (progress.step - start_step) * config.samples_a_step / max(wall_s, 1e-9)
    if not (journal.rows and journal.rows[-1]["share"] == FINAL):
        journal.add(trainer.row(final))
    trainer.save(LAST)
    journal.sync()
    thin(out, config.keep, progress.top, in_use())
    journal.draw(out / "loss.svg")
    return TrainResult(
        final_loss=final.loss,
        best_loss=progress.best_loss,
        steps=progress.step,
        samples_per_s=samples_per_s,
        wall_s=wall_s,
        best=out / BEST,
        last=out / LAST,
    )


def _require_room(setup: Setup, out: Path) -> None:
    """Room for every checkpoint that will stand at once, and one being written."""
    weights, last = _checkpoint_bytes(setup)
    needed = weights * (1 + setup.config.keep + setup.config.keep_top) + 2 * last
    require_space(out, max(needed, round(ROOM_TO_BEGIN * last)), "checkpoints")


def _pause_at_low_water(setup: Setup, out: Path, step: int) -> None:
    """Stop while all is saved and the machine can still breathe, not when a write has failed."""
    if free_bytes(out) < ROOM_TO_GO_ON * _checkpoint_bytes(setup)[1]:
        raise NoSpaceError(
            f"{out}: paused after {step} steps: the disk has {free_bytes(out) / 1e6:.0f} MB left, "
            "too little for the next checkpoint; free some space, and the same command again "
            "(of loopyard train, with --resume) goes on from there"
        )


def _checkpoint_bytes(setup: Setup) -> tuple[int, int]:
    """Size of a checkpoint, and of ``last``: weights, two moments, and perhaps the average."""
    weights = sum(
        values.numel() * values.element_size() for values in setup.model.state_dict().values()
    )
    return weights, weights * (5 if setup.config.ema_decay else 4)
