"""Dropout whose random numbers cost an eighth of torch's on a CPU."""

from __future__ import annotations

import torch
from torch import nn

LEVELS = 256


class ByteDropout(nn.Module):
    """Dropout with a probability rounded to a 256th, its mask drawn as whole 64-bit words.

    torch draws one Mersenne Twister number an element, which took a tenth of ACT's training step.
    """

    def __init__(self, p: float):
        super().__init__()
        self.dropped = round(p * LEVELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.dropped == 0:
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.dropped
        return x * (kept.to(x.dtype) * (LEVELS / (LEVELS - self.dropped)))
