"""The gradients of one step's batch, over all cores; the next batch is made meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from loopyard.core.seeds import stream
from loopyard.training.batches import Batch, Variation, split_rows
from loopyard.training.loss import total_weight
from loopyard.training.loss_scale import LossScale
from loopyard.training.objective import Objective
from loopyard.training.parallel import Replicas
from loopyard.training.setup import Setup
from loopyard.training.state import Progress

MAX_PIECES = 4
"""A batch that the GPU's memory does not hold is halved at most twice."""
Rows = list[np.ndarray]


class Gradients:
    """Leaves the gradients of a step's batch in the network, whole and unscaled.

    All that is drawn is seeded by the step, dropout included: nothing else need be saved. A core
    that has learned its part begins with its part of the next batch while the others learn.
    """

    def __init__(
        self,
        setup: Setup,
        objective: Objective,
        replicas: Replicas,
        scale: LossScale,
        progress: Progress,
    ) -> None:
        self._config, self._device = setup.config, setup.device
        self._plan, self._batches = setup.plan, setup.training_batches()
        self._objective, self._replicas = objective, replicas
        self._scale, self._progress = scale, progress
        self._ahead: tuple[int, Callable[[], list[Batch]]] | None = None

    def rows(self, step: int) -> Rows:
        """Of each source, the places in its ``usable`` that this step learns from."""
        return self._plan.rows(step)

    def of(self, step: int) -> tuple[float, np.ndarray]:
        """(loss, (A,) loss per channel) of a step's batch. Where the GPU's memory runs out it is
        done once more, from smaller pieces.

        Raises:
            torch.OutOfMemoryError: in `MAX_PIECES` pieces a batch does not fit either.
        """
        while True:
            try:
                return self._whole(step)
            except torch.OutOfMemoryError:
                if self._progress.pieces >= MAX_PIECES:
                    raise
            self._progress.pieces *= 2
            self._replicas.zero_grad()
            torch.cuda.empty_cache()

    def _whole(self, step: int) -> tuple[float, np.ndarray]:
        replicas, weights = self._replicas, self._objective.weights
        count, turns = len(replicas.models), self._config.accumulate
        batches = self._made(step)
        torch.manual_seed(int(stream("network", self._config.seed, step).integers(2**62)))
        total = torch.stack([total_weight(batch.is_pad, weights) for batch in batches]).sum()
        size = sum(len(batch.state) for batch in batches)
        replicas.zero_grad()

        def learn(part: int) -> list[tuple[float, np.ndarray]]:
            found, model = [], replicas.models[part % count]
            for batch in batches[part].pieces(self._progress.pieces):
                loss, per_channel, further = self._objective.learned(model, batch, total)
                loss = loss + further * (len(batch.state) / size)
                (loss * self._progress.loss_scale).backward()
                found.append((loss.item(), per_channel.cpu().numpy()))
            return found

        losses: list[tuple[float, np.ndarray]] = []
        for turn in range(turns):
            learned = replicas.begin(learn, range(turn * count, (turn + 1) * count))
            if turn + 1 == turns:
                self._ahead = step + 1, self._begin(step + 1)
            for found in learned():
                losses += found
        replicas.gather_gradients()
        self._scale.undo(replicas.models[0])
        return sum(loss for loss, _ in losses), np.sum([part for _, part in losses], axis=0)

    def _made(self, step: int) -> list[Batch]:
        """The parts of a step's batch, one a turn and copy."""
        ahead, self._ahead = self._ahead, None
        return ahead[1]() if ahead is not None and ahead[0] == step else self._begin(step)()

    def _begin(self, step: int) -> Callable[[], list[Batch]]:
        count, turns = len(self._replicas.models), self._config.accumulate
        parts = [
            [np.array_split(row, count)[shard] for row in turn]
            for turn in split_rows(self.rows(step), turns)
            for shard in range(count)
        ]

        def gather(part: int) -> Batch:
            vary = self._variation(step, part)
            return self._batches.varied(parts[part], vary).to(self._device)

        return self._replicas.begin(gather, range(count * turns))

    def _variation(self, step: int, part: int) -> Variation:
        config = self._config
        seed = int(stream("variation", config.seed, step, part).integers(2**62))
        return Variation(
            config.augmentation,
            torch.Generator().manual_seed(seed),
            config.state_dropout,
            config.word_dropout,
        )
