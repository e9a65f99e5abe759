"""What a run makes small: the loss of a batch, with the steps and channels weighed as asked."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from loopyard.training.batches import Batch
from loopyard.training.loss import channel_weights, chunk_huber, chunk_l1, step_weights
from loopyard.training.setup import Setup


class Objective:
    """The loss of one run's settings, in its precision. weights: (K,) of the steps of a chunk."""

    def __init__(self, setup: Setup) -> None:
        config = setup.config
        self._device = setup.device.type
        self._fp16, self._half = config.fp16, config.fp16 or setup.bf16
        self.weights = step_weights(setup.policy.chunk_size, config.step_weight_decay).to(
            setup.device
        )
        channels = channel_weights(setup.sources.spec.action.names, config.channel_weights)
        self._channels = None if channels is None else channels.to(setup.device)
        by_l1 = (config.loss or setup.policy.loss) == "l1"
        self._over_chunk = chunk_l1 if by_l1 else partial(chunk_huber, delta=config.huber_delta)

    def learned(
        self, model: nn.Module, batch: Batch, total: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(loss, loss per channel, the sum of the network's further losses), to learn from.

        total: weight of the whole batch, where this is a part of it.
        """
        with self._precision():
            predicted, further = model.training_forward(  # type: ignore[operator]
                *batch.inputs, batch.action, batch.is_pad
            )
        loss, per_channel = self._over_chunk(
            predicted.float(), batch.action, batch.is_pad, self.weights, total, self._channels
        )
        return loss, per_channel, sum(further.values(), torch.zeros((), device=loss.device))

    @torch.no_grad()
    def judged(self, model: nn.Module, batch: Batch) -> tuple[float, torch.Tensor]:
        """(loss, what is predicted (B, K, A) normalised), channels weighing alike."""
        with self._precision():
            predicted = model(*batch.inputs).float()
        loss, _ = self._over_chunk(predicted, batch.action, batch.is_pad, self.weights)
        return loss.item(), predicted

    def _precision(self) -> torch.autocast:
        """The cache of weights in half precision is off: threads share it, and a step uses each
        weight once."""
        kind = torch.float16 if self._fp16 else torch.bfloat16
        return torch.autocast(self._device, kind, enabled=self._half, cache_enabled=False)
