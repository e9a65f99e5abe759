"""Every size of `vla-nano`, with the reason for its value where there is one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loopyard.policies.config import PolicyConfig


class VlaNanoConfig(PolicyConfig, frozen=True):
    """`vla-nano`: the eye of `act-nano`, its maps scaled and shifted by what the instruction says.

    words: how many different numbers a word can have; the rarest words share one beyond that.
    told: size of the instruction's vector. widths, vision, state, hidden: as in `act-nano`.
    """

    type: Literal["vla-nano"] = "vla-nano"
    chunk_size: int = Field(default=10, ge=1)
    n_action_steps: int = Field(default=2, ge=1)
    words: int = Field(default=512, ge=4)
    told: int = Field(default=64, ge=8)
    widths: tuple[int, int, int] = (32, 64, 32)
    vision: int = Field(default=256, ge=8)
    state: int = Field(default=64, ge=8)
    hidden: int = Field(default=256, ge=8)

    @property
    def takes_text(self) -> bool:
        return True
