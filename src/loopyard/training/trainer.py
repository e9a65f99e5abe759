"""One run's moving parts: a step, a validation, a checkpoint, a rollback."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loopyard.policies.checkpoint import save_checkpoint
from loopyard.training.average import Average
from loopyard.training.gradients import Gradients
from loopyard.training.guard import ROLLBACK_LR_SCALE, Guard
from loopyard.training.kept import BEST, LAST, Top, ranked, top_name
from loopyard.training.loss_scale import LossScale
from loopyard.training.objective import Objective
from loopyard.training.parallel import Replicas, shard_count
from loopyard.training.schedule import learning_rate
from loopyard.training.setup import Setup
from loopyard.training.state import Progress, read_progress, restore_state, write_state
from loopyard.training.update import Update
from loopyard.training.validation import validated

VALIDATION_BATCH = 128


@dataclass(frozen=True)
class StepReport:
    """What the caller hears of each step. share: of the budget used, 0 to 1.

    loss and loss_per_channel are means over the last ``log_every`` batches, samples_per_s over the
    time since the last row of the log. pieces: into so many each batch is cut to fit the memory.
    held_out: figures of `loopyard.training.held_out`, where it was validated.
    """

    step: int
    share: float
    seconds: float
    loss: float
    loss_per_channel: dict[str, float]
    lr: float
    grad_norm: float
    samples_per_s: float
    val_loss: float | None = None
    pieces: int = 1
    held_out: dict[str, float] = field(default_factory=dict)


class Trainer:
    """Holds network, update, average and progress of one run."""

    def __init__(self, setup: Setup, out: Path, progress: Progress):
        self.setup, self.out, self.progress = setup, out, progress
        self.config = setup.config
        self.model = setup.model.train()
        self.average = Average(self.model, self.config.ema_decay)
        self.replicas = Replicas(
            self.model, shard_count(self.model, setup.device, setup.threads, self.config.batch_size)
        )
        self.update = Update(
            self.replicas,
            self.average,
            weight_decay=self.config.weight_decay,
            clip=self.config.grad_clip,
        )
        self.scale = LossScale(progress, active=self.config.fp16)
        self.guard = Guard(out, self.config.seed, progress.skipped)
        self.names = setup.sources.spec.action.names
        self.objective = Objective(setup)
        self.gradients = Gradients(setup, self.objective, self.replicas, self.scale, progress)
        self._losses: deque[np.ndarray] = deque(
            (np.array(row, np.float32) for row in progress.losses), maxlen=self.config.log_every
        )
        self._logged = (progress.step, progress.seconds)
        self._last = (0.0, 0.0)

    def step(self, share: float) -> StepReport:
        """One batch: forward, backward, judged, taken."""
        step = self.progress.step
        lr = learning_rate(self.config, step, share) * self.progress.lr_scale
        loss, per_channel = self.gradients.of(step)
        total = self.update.grad_norm()
        norm = total.item()
        self.progress.step += 1
        if self.scale.overflowed(loss, norm):
            return self.report(share)
        rows = self.gradients.rows(step)
        verdict = self.guard.judge(step, loss, norm, rows, self.progress.rollbacks)
        if verdict == "step":
            self.progress.updates += 1
            self.update.take(lr, total, self.progress.updates)
            self.scale.grow()
            self._losses.append(per_channel)
            self._last = (lr, norm)
        elif verdict == "rollback":
            self._roll_back()
        return self.report(share)

    def report(self, share: float) -> StepReport:
        """How it stands now."""
        shown = np.mean(self._losses, axis=0) if self._losses else np.zeros(len(self.names))
        steps = self.progress.step - self._logged[0]
        seconds = self.progress.seconds - self._logged[1]
        return StepReport(
            step=self.progress.step,
            share=min(share, 1.0),
            seconds=self.progress.seconds,
            loss=float(shown.mean()),
            loss_per_channel=dict(zip(self.names, shown.tolist(), strict=True)),
            lr=self._last[0],
            grad_norm=self._last[1],
            samples_per_s=steps * self.config.samples_a_step / seconds if seconds > 0 else 0.0,
            pieces=self.progress.pieces,
        )

    def row(self, report: StepReport) -> dict[str, Any]:
        """The report as a row of the log; the rate is measured anew from here."""
        self._logged = (self.progress.step, self.progress.seconds)
        row = {**report.__dict__, "seconds": round(report.seconds, 3), **report.held_out}
        del row["held_out"]
        return {key: value for key, value in row.items() if value is not None}

    def validate(self, report: StepReport) -> StepReport:
        """Loss of the averaged weights on held-out frames; writes ``best`` where it is lowest, and
        ``top_NNNNNN`` where it is one of the ``keep_top`` lowest.

        Without held-out episodes the training loss stands in, so that there is always a ``best``.
        """
        value, held_out = self._held_out()
        shown = report.loss if value is None else value
        if self.progress.best_loss is None or shown < self.progress.best_loss:
            self.progress.best_loss = shown
            self.save(BEST, val_loss=value)
        if value is not None and (top := self._ranked(value)) is not None:
            self.progress.top = top
            self.save(top_name(self.progress.step), val_loss=value)
        return replace(report, val_loss=value, held_out=held_out)

    def _ranked(self, loss: float) -> Top | None:
        return ranked(self.progress.top, loss, self.progress.step, self.config.keep_top)

    def is_sound(self) -> bool:
        """Whether this is a state to come back to: good numbers now, and finite weights."""
        return self.guard.in_a_row == 0 and all(
            bool(torch.isfinite(parameter).all()) for parameter in self.model.parameters()
        )

    def save(self, name: str, val_loss: float | None = None) -> Path:
        """Write a checkpoint; ``last`` also holds what a resumed run needs.

        No wall time stands in it but in ``resume.json``: the same steps give the same bytes.
        """
        self.progress.losses = [row.tolist() for row in self._losses]
        average = self.average.model if self.average.decay else None

        def write_more(folder: Path) -> None:
            if name == LAST:
                write_state(folder, self.progress, self.model, self.update, average)

        facts = {
            **self.setup.facts(self.out),
            "step": self.progress.step,
            "val_loss": val_loss,
            "loss": self.report(0.0).loss,
            "averaged_weights": average is not None,
            "skipped_steps": self.guard.bad_steps,
            "rollbacks": self.progress.rollbacks,
            "pieces": self.progress.pieces,
        }
        return save_checkpoint(
            self.out / name,
            config=self.setup.policy,
            weights=self.average.model.state_dict(),
            processing=self.setup.processing,
            facts=facts,
            write_more=write_more,
        )

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint with resume state."""
        restore_state(
            folder, self.model, self.update, self.average.model if self.average.decay else None
        )

    def close(self) -> None:
        """End the threads."""
        self.replicas.close()

    def _roll_back(self) -> None:
        """Weights and optimizer of the last checkpoint, half the rate; the data order goes on."""
        saved = read_progress(self.out / LAST)
        self.update.forget()
        self.restore(self.out / LAST)
        self.progress.updates = saved.updates
        self.progress.rollbacks += 1
        self.progress.lr_scale *= ROLLBACK_LR_SCALE

    def _held_out(self) -> tuple[float | None, dict[str, float]]:
        """Loss and figures on held-out frames; (None, {}) where there are none."""
        model = self.average.model.eval()

        size = VALIDATION_BATCH // self.progress.pieces
        judge, weights = partial(self.objective.judged, model), self.objective.weights
        found = validated(self.setup, judge, weights, self.replicas.map, size)
        self.model.train()
        return found
