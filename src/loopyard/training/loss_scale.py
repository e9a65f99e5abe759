"""float16 loses small gradients: the loss is scaled up, and its gradients are scaled back.

That is before they are clipped and judged. Micikevicius et al., 2018, arXiv:1710.03740.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from loopyard.training.state import Progress

FIRST, LARGEST = 2.0**14, 2.0**16
GROWS_EVERY = 500
"""Updates after which twice the scale is tried."""


class LossScale:
    """Keeps ``progress.loss_scale``; where it is not active that stays 1."""

    def __init__(self, progress: Progress, *, active: bool):
        self.progress, self.active = progress, active
        if active and progress.step == 0:
            progress.loss_scale = FIRST

    @torch.no_grad()
    def undo(self, model: nn.Module) -> None:
        """Divide the gradients by the scale."""
        if self.active:
            for part in model.parameters():
                if part.grad is not None:
                    part.grad.div_(self.progress.loss_scale)

    def overflowed(self, loss: float, grad_norm: float) -> bool:
        """Whether the scale alone made the gradients infinite; it is halved then.

        Where the loss itself is bad, or nothing is left to halve, that is for the guard to judge.
        """
        if not self.active or self.progress.loss_scale <= 1 or not math.isfinite(loss):
            return False
        if math.isfinite(grad_norm):
            return False
        self.progress.loss_scale /= 2
        return True

    def grow(self) -> None:
        """After an update."""
        if self.active and self.progress.updates % GROWS_EVERY == 0:
            self.progress.loss_scale = min(LARGEST, 2 * self.progress.loss_scale)
