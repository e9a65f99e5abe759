"""Every size of `act-nano`, with the reason for its value where there is one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loopyard.policies.config import PolicyConfig


class NanoConfig(PolicyConfig, frozen=True):
    """`act-nano`: three strided convolutions, their whole map read at once, a head for the chunk.

    widths: channels of the maps at 1/4, 1/8 and 1/8 of the image. vision: size of the vector that
    the flattened last map becomes. state: size of the state's vector. hidden: width of the head.

    The map is flattened, not averaged and not reduced to keypoints: each cell has its own weights,
    so where a brick stands is there from the first step. At equal time a spatial softmax had hardly
    begun to look at the image (docs/performance.md).
    """

    type: Literal["act-nano"] = "act-nano"
    chunk_size: int = Field(default=10, ge=1)
    n_action_steps: int = Field(default=2, ge=1)
    widths: tuple[int, int, int] = (32, 64, 32)
    vision: int = Field(default=256, ge=8)
    state: int = Field(default=64, ge=8)
    hidden: int = Field(default=256, ge=8)
