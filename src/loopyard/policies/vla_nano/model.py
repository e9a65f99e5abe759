"""`vla-nano`: the instruction decides what the eye looks at.

The instruction's words become one vector (an embedding, a convolution over three words, the
largest value of each channel). It scales and shifts every channel of every map (FiLM, Perez et al.,
2018, arXiv:1709.07871) and stands beside what is seen when the chunk of actions is read off: a
network that leaves it out cannot know the side, and is found out by swapping it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from loopyard.policies.vla_nano.config import VlaNanoConfig
from loopyard.policies.words import PAD, UNKNOWN


class VlaNanoModel(nn.Module):
    """(images, state, text) -> (B, chunk_size, A) normalised actions."""

    def __init__(self, config: VlaNanoConfig):
        super().__init__()
        self.config = config
        self.reader = Reader(config)
        self.eye = ToldEye(config)
        self.state = nn.Linear(max(config.state_size, 1), config.state)
        joined = config.vision * len(config.cameras) + config.state + config.told
        self.head = nn.Sequential(
            nn.Linear(joined, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.chunk_size * config.action_size),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self, images: list[torch.Tensor], state: torch.Tensor, text: torch.Tensor
    ) -> torch.Tensor:
        """images: one (B, 3, H, W) a camera, normalised. state: (B, S), normalised. text: (B, L)
        int64 numbers of words."""
        if self.config.state_size == 0:
            state = torch.zeros(len(text), 1, device=text.device)
        told = self.reader(text)
        seen = [self.eye(image, told) for image in images]
        joined = torch.cat([*seen, F.relu(self.state(state)), told], dim=1)
        chunk = self.head(joined).float()
        return chunk.view(len(text), self.config.chunk_size, self.config.action_size)

    def training_forward(
        self,
        images: list[torch.Tensor],
        state: torch.Tensor,
        text: torch.Tensor,
        action: torch.Tensor,
        is_pad: torch.Tensor,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """(prediction, further losses): here there are none."""
        del action, is_pad
        return self(images, state, text), {}


class Reader(nn.Module):
    """(B, L) numbers of words -> (B, told)."""

    def __init__(self, config: VlaNanoConfig):
        super().__init__()
        self._most = config.words
        self.words = nn.Embedding(config.words, config.told, padding_idx=PAD)
        self.phrases = nn.Conv1d(config.told, config.told, 3, padding=1)
        self.norm = nn.LayerNorm(config.told)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        text = text.where(text < self._most, UNKNOWN)
        phrases = F.relu(self.phrases(self.words(text).transpose(1, 2)))
        there = (text != PAD)[:, None]
        return self.norm(phrases.masked_fill(~there, 0.0).amax(dim=2))


class ToldEye(nn.Module):
    """(B, 3, H, W) and (B, told) -> (B, vision); all cameras share one."""

    def __init__(self, config: VlaNanoConfig):
        super().__init__()
        fine, coarse, last = config.widths
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(3, fine, 8, stride=4, padding=2),
                nn.Conv2d(fine, coarse, 4, stride=2, padding=1),
                nn.Conv2d(coarse, last, 3, padding=1),
            ]
        )
        self.films = nn.ModuleList([nn.Linear(config.told, 2 * width) for width in config.widths])
        with torch.no_grad():
            image = torch.zeros(1, 3, *config.image_size)
            cells = self._maps(image, torch.zeros(1, config.told))[0].numel()
        self.read = nn.Linear(cells, config.vision)
        self.norm = nn.LayerNorm(config.vision)

    def forward(self, image: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.read(self._maps(image, told).flatten(1))))

    def _maps(self, maps: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        for layer, film in zip(self.layers, self.films, strict=True):
            scale, shift = film(told)[:, :, None, None].chunk(2, dim=1)
            maps = F.relu(layer(maps) * (1.0 + scale) + shift)
        return maps
