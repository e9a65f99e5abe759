"""`act-nano`: sees where things are, and predicts a chunk of actions.

Convolutions after Mnih et al. 2015 (doi:10.1038/nature14236) bring an image of 96 x 96 to a map of
12 x 12 in three steps, which is flattened into one vector; with a vector of the state it goes
through a small head that gives all actions of the chunk at once. About 15 million multiplications
an image: a core trains on some thousand images a second and plans in a millisecond.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from loopyard.policies.nano.config import NanoConfig


class NanoModel(nn.Module):
    """(images, state) -> (B, chunk_size, A) normalised actions."""

    def __init__(self, config: NanoConfig):
        super().__init__()
        self.config = config
        self.eye = Eye(config)
        self.state = nn.Linear(max(config.state_size, 1), config.state)
        joined = config.vision * len(config.cameras) + config.state
        self.head = nn.Sequential(
            nn.Linear(joined, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.chunk_size * config.action_size),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: list[torch.Tensor], state: torch.Tensor) -> torch.Tensor:
        """images: one (B, 3, H, W) a camera, normalised. state: (B, S), normalised."""
        if self.config.state_size == 0:
            state = torch.zeros(len(images[0]), 1, device=images[0].device)
        seen = [self.eye(image) for image in images]
        chunk = self.head(torch.cat([*seen, F.relu(self.state(state))], dim=1)).float()
        return chunk.view(len(state), self.config.chunk_size, self.config.action_size)

    def training_forward(
        self,
        images: list[torch.Tensor],
        state: torch.Tensor,
        action: torch.Tensor,
        is_pad: torch.Tensor,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """(prediction, further losses): here there are none."""
        del action, is_pad
        return self(images, state), {}


class Eye(nn.Module):
    """(B, 3, H, W) -> (B, vision); all cameras share one."""

    def __init__(self, config: NanoConfig):
        super().__init__()
        fine, coarse, last = config.widths
        self.maps = nn.Sequential(
            nn.Conv2d(3, fine, 8, stride=4, padding=2),
            nn.ReLU(),
            nn.Conv2d(fine, coarse, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(coarse, last, 3, padding=1),
            nn.ReLU(),
        )
        with torch.no_grad():
            cells = self.maps(torch.zeros(1, 3, *config.image_size))[0].numel()
        self.read = nn.Linear(cells, config.vision)
        self.norm = nn.LayerNorm(config.vision)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.read(self.maps(image).flatten(1))))
