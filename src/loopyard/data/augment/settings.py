"""How much a batch is changed while training; settings are read without torch, which is slow to
import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import torch


class Augmentation(BaseModel):
    """How much of each; 0 turns one off.

    shift_px: pixels. brightness: of the range 0..1. contrast and channel: relative.
    noise: of the range, each pixel. crop: share of each side. rotate_deg: degrees to either side.
    state_noise: standard deviation, in the unit of the state it is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shift_px: int = Field(default=4, ge=0)
    brightness: float = Field(default=0.1, ge=0, le=1)
    contrast: float = Field(default=0.1, ge=0, lt=1)
    channel: float = Field(default=0.05, ge=0, lt=1)
    noise: float = Field(default=0.0, ge=0, le=1)
    crop: float = Field(default=0.0, ge=0, lt=1)
    rotate_deg: float = Field(default=0.0, ge=0, le=45)
    state_noise: float = Field(default=0.01, ge=0)

    def images(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """All image changes in turn; a pure function of the images and the generator's state."""
        from loopyard.data.augment.images import colour, pixel_noise, shift, turn_and_crop

        images = shift(images, self.shift_px, generator)
        if self.crop or self.rotate_deg:
            images = turn_and_crop(images, generator, degrees=self.rotate_deg, crop=self.crop)
        if self.brightness or self.contrast or self.channel:
            images = colour(
                images,
                generator,
                brightness=self.brightness,
                contrast=self.contrast,
                channel=self.channel,
            )
        return pixel_noise(images, self.noise, generator) if self.noise else images

    def state(self, state: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """State noise alone."""
        from loopyard.data.augment.images import state_noise

        return state_noise(state, self.state_noise, generator)
