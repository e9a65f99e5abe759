"""One run's moving parts: a step, a validation, a checkpoint, a rollback."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from loopyard.core.seeds import stream
from loopyard.policies.checkpoint import save_checkpoint
from loopyard.training.average import Average
from loopyard.training.batches import Batch, BatchMaker, Variation, split_rows
from loopyard.training.guard import ROLLBACK_LR_SCALE, Guard
from loopyard.training.loss import channel_weights, chunk_l1, step_weights, total_weight
from loopyard.training.parallel import Replicas, shard_count
from loopyard.training.schedule import learning_rate
from loopyard.training.setup import Setup
from loopyard.training.state import Progress, read_progress, restore_state, write_state

VALIDATION_BATCH = 128
MAX_PIECES = 4
"""A batch that the GPU's memory does not hold is halved at most twice."""


@dataclass(frozen=True)
class StepReport:
    """What the caller hears of each step. share: of the budget used, 0 to 1.

    loss and loss_per_channel are means over the last ``log_every`` batches, samples_per_s over the
    time since the last row of the log. pieces: into so many each batch is cut to fit the memory.
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


class Trainer:
    """Holds network, optimizer, average and progress of one run."""

    def __init__(self, setup: Setup, out: Path, progress: Progress):
        self.setup, self.out, self.progress = setup, out, progress
        self.config = setup.config
        self.model = setup.model.train()
        self.average = Average(self.model, self.config.ema_decay)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=self.config.lr,
            weight_decay=self.config.weight_decay,
            fused=True,
        )
        self.plan, self.batches = setup.plan, setup.training_batches()
        self.weights = step_weights(setup.policy.chunk_size, self.config.step_weight_decay).to(
            setup.device
        )
        self.replicas = Replicas(
            self.model, shard_count(self.model, setup.device, setup.threads, self.config.batch_size)
        )
        self.guard = Guard(out, self.config.seed, progress.skipped)
        self.names = setup.sources.spec.action.names
        channels = channel_weights(self.names, self.config.channel_weights)
        self.channels = None if channels is None else channels.to(setup.device)
        self._losses: deque[np.ndarray] = deque(
            (np.array(row, np.float32) for row in progress.losses), maxlen=self.config.log_every
        )
        self._logged = (progress.step, progress.seconds)
        self._last = (0.0, 0.0)

    def step(self, share: float) -> StepReport:
        """One batch: forward, backward, judged, taken."""
        step = self.progress.step
        rows = self.plan.rows(step)
        lr = learning_rate(self.config, step, share) * self.progress.lr_scale
        loss, per_channel = self._fitting_gradients(step, rows)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        verdict = self.guard.judge(step, loss, norm.item(), rows, self.progress.rollbacks)
        self.progress.step += 1
        if verdict == "step":
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            self.optimizer.step()
            self.progress.updates += 1
            self.average.update(self.model, self.progress.updates)
            self._losses.append(per_channel)
            self._last = (lr, norm.item())
        elif verdict == "rollback":
            self._roll_back()
        return self.report(share)

    def _fitting_gradients(self, step: int, rows: list[np.ndarray]) -> tuple[float, np.ndarray]:
        """`_gradients`, and where the GPU's memory runs out once more, from smaller pieces.

        Raises:
            torch.OutOfMemoryError: in `MAX_PIECES` pieces a batch does not fit either.
        """
        while True:
            try:
                return self._gradients(step, rows)
            except torch.OutOfMemoryError:
                if self.progress.pieces >= MAX_PIECES:
                    raise
            self.progress.pieces *= 2
            self.replicas.zero_grad()
            torch.cuda.empty_cache()

    def _gradients(self, step: int, rows: list[np.ndarray]) -> tuple[float, np.ndarray]:
        """Loss and loss per channel of a batch, whose gradients are left in the network.

        All that is drawn is seeded by the step, dropout included: nothing else need be saved.
        """
        replicas, device = self.replicas, self.setup.device
        count, turns = len(replicas.models), self.config.accumulate
        torch.manual_seed(int(stream("network", self.config.seed, step).integers(2**62)))
        parts = [
            [np.array_split(row, count)[shard] for row in turn]
            for turn in split_rows(rows, turns)
            for shard in range(count)
        ]

        def gather(part: int) -> Batch:
            return self.batches.varied(parts[part], self._variation(step, part)).to(device)

        batches = replicas.map(gather, range(count * turns))
        total = torch.stack([total_weight(batch.is_pad, self.weights) for batch in batches]).sum()
        size = sum(len(batch.state) for batch in batches)
        replicas.zero_grad()

        def learn(part: int) -> list[tuple[float, np.ndarray]]:
            found = []
            for batch in batches[part].pieces(self.progress.pieces):
                loss, per_channel, further = self._loss(replicas.models[part % count], batch, total)
                loss = loss + further * (len(batch.state) / size)
                loss.backward()
                found.append((loss.item(), per_channel.cpu().numpy()))
            return found

        losses: list[tuple[float, np.ndarray]] = []
        for turn in range(turns):
            for found in replicas.map(learn, range(turn * count, (turn + 1) * count)):
                losses += found
        replicas.gather_gradients()
        return sum(loss for loss, _ in losses), np.sum([part for _, part in losses], axis=0)

    def _variation(self, step: int, part: int) -> Variation:
        seed = int(stream("variation", self.config.seed, step, part).integers(2**62))
        return Variation(
            self.config.augmentation,
            torch.Generator().manual_seed(seed),
            self.config.state_dropout,
            self.config.word_dropout,
        )

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
        row = {**report.__dict__, "seconds": round(report.seconds, 3)}
        return {key: value for key, value in row.items() if value is not None}

    def validate(self, report: StepReport) -> StepReport:
        """Loss of the averaged weights on held-out frames; writes ``best`` where it is lowest.

        Without held-out episodes the training loss stands in, so that there is always a ``best``.
        """
        value = self._held_out_loss()
        shown = report.loss if value is None else value
        if self.progress.best_loss is None or shown < self.progress.best_loss:
            self.progress.best_loss = shown
            self.save("best", val_loss=value)
        return replace(report, val_loss=value)

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
            if name == "last":
                write_state(folder, self.progress, self.model, self.optimizer, average)

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
            folder, self.model, self.optimizer, self.average.model if self.average.decay else None
        )

    def close(self) -> None:
        """End the threads."""
        self.replicas.close()

    def _roll_back(self) -> None:
        """Weights and optimizer of the last checkpoint, half the rate; the data order goes on."""
        saved = read_progress(self.out / "last")
        self.optimizer.state.clear()
        self.restore(self.out / "last")
        self.progress.updates = saved.updates
        self.progress.rollbacks += 1
        self.progress.lr_scale *= ROLLBACK_LR_SCALE

    def _held_out_loss(self) -> float | None:
        parts = self.setup.validation()
        if not parts:
            return None
        maker = BatchMaker(parts, self.setup.processing, self.setup.policy.chunk_size)
        model = self.average.model.eval()
        size = VALIDATION_BATCH // self.progress.pieces
        pieces: list[tuple[int, np.ndarray]] = []
        for source, samples in enumerate(parts):
            every = max(1, len(samples.usable) * len(parts) // self.config.validation_frames)
            frames = samples.usable[::every]
            pieces += [
                (source, frames[start : start + size]) for start in range(0, len(frames), size)
            ]

        @torch.no_grad()
        def judge(piece: tuple[int, np.ndarray]) -> float:
            batch = maker.plain(*piece).to(self.setup.device)
            loss, _, _ = self._loss(model, batch, None)
            return loss.item() * len(batch.state)

        total = sum(self.replicas.map(judge, pieces))
        self.model.train()
        return total / sum(len(frames) for _, frames in pieces)

    def _loss(
        self, model: nn.Module, batch: Batch, total: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(L1, L1 per channel, the sum of the network's further losses).

        total: weight of the whole batch in training; None is validation, in which channels weigh
        alike. The cache of weights in bfloat16 is off: threads share it, and a step uses each
        weight once.
        """
        with torch.autocast(
            self.setup.device.type, torch.bfloat16, enabled=self.setup.bf16, cache_enabled=False
        ):
            if total is not None:
                predicted, further = model.training_forward(  # type: ignore[operator]
                    *batch.inputs, batch.action, batch.is_pad
                )
            else:
                predicted, further = model(*batch.inputs), {}
        loss, per_channel = chunk_l1(
            predicted.float(),
            batch.action,
            batch.is_pad,
            self.weights,
            total,
            None if total is None else self.channels,
        )
        return loss, per_channel, sum(further.values(), torch.zeros((), device=loss.device))
