"""Small changes to a batch that the right action does not depend on.

Images are (B, 3, H, W) float in [0, 1]; each function draws its numbers from the generator
it is given and returns a new tensor in the same range. `shift` takes uint8 as well.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from loopyard.data.pixel_rows import rows_of


def shift(images: torch.Tensor, pixels: int, generator: torch.Generator) -> torch.Tensor:
    """Move each (3, H, W) image by up to ``pixels`` in both directions, edges repeated.

    From Kostrikov et al. 2020, "Image Augmentation Is All You Need" (arXiv:2004.13649).
    """
    if pixels == 0:
        return images
    offsets = torch.randint(-pixels, pixels + 1, (len(images), 2), generator=generator).numpy()
    planes = images.permute(0, 2, 3, 1).numpy()
    size = planes.shape[1:]
    around = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
    padded = np.pad(planes, around, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(1, 2, 3))[:, :, :, 0]
    down, right = pixels - offsets.T
    return torch.from_numpy(windows[np.arange(len(planes)), down, right]).permute(0, 3, 1, 2)


def colour(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    channel: float = 0.0,
) -> torch.Tensor:
    """Brightness, contrast and channel jitter in one pass over the pixels.

    Args:
        brightness: up to +-this is added to all pixels of an image. contrast: its distance from the
            image's mean is scaled by 1 +- this. channel: each colour is scaled by 1 +- this.
    """
    mean = images.mean(dim=(1, 2, 3), keepdim=True) if contrast else images.new_zeros((1, 1, 1, 1))
    stretch = 1 + _drawn(images, 1, contrast, generator)
    tint = 1 + _drawn(images, 3, channel, generator)
    lift = mean * (1 - stretch) * tint + _drawn(images, 1, brightness, generator)
    coloured = torch.empty_like(images)
    rows, lifts, gains = rows_of(images, lift, stretch * tint)
    torch.addcmul(lifts, rows, gains, out=rows_of(coloured)[0]).clamp_(0, 1)
    return coloured


def turn_and_crop(
    images: torch.Tensor, generator: torch.Generator, *, degrees: float = 0.0, crop: float = 0.0
) -> torch.Tensor:
    """Turn each image by up to +-degrees and cut a window out of it, scaled back to full size.

    Args:
        degrees: about the centre, counterclockwise where positive; edges are repeated. crop: a
            window loses up to this share of each side, and lies anywhere.
    """
    count = len(images)
    drawn = torch.rand((count, 4), generator=generator)
    angles = (2 * drawn[:, 0] - 1) * math.radians(degrees)
    sides = 1 - drawn[:, 1] * crop
    centres = (2 * drawn[:, 2:] - 1) * (1 - sides[:, None])
    return _resampled(images, angles, sides, centres)


def _resampled(
    images: torch.Tensor, angles: torch.Tensor, sides: torch.Tensor, centres: torch.Tensor
) -> torch.Tensor:
    """Bilinear samples of windows. angles: (B,) rad. sides: (B,) shares of height and width.
    centres: (B, 2) of the windows, right and down, in half widths and half heights."""
    height, width = images.shape[2:]
    cos, sin = sides * angles.cos(), sides * angles.sin()
    # the grid is in half widths and half heights: a turn in pixels is sheared there
    across = torch.stack([cos, -sin * (height / width), centres[:, 0]], dim=1)
    down = torch.stack([sin * (width / height), cos, centres[:, 1]], dim=1)
    window = torch.stack([across, down], dim=1).to(images)
    grid = F.affine_grid(window, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def pixel_noise(images: torch.Tensor, std: float, generator: torch.Generator) -> torch.Tensor:
    """Add normal noise to every pixel, of up to ``std`` of the range: each image draws how much."""
    amount = std * torch.rand((len(images), 1, 1, 1), generator=generator)
    noise = torch.randn(images.shape, generator=generator)
    return (images + (amount * noise).to(images)).clamp_(0, 1)


def state_noise(state: torch.Tensor, std: float, generator: torch.Generator) -> torch.Tensor:
    """Add normal noise to (B, S) states, std in the unit of the state given."""
    if std == 0:
        return state
    return state + std * torch.randn(state.shape, generator=generator).to(state)


def _drawn(
    images: torch.Tensor, channels: int, amount: float, generator: torch.Generator
) -> torch.Tensor:
    """(B, channels, 1, 1) uniform in +-amount, on the images' device and in their dtype."""
    drawn = torch.rand((len(images), channels, 1, 1), generator=generator)
    return ((2 * drawn - 1) * amount).to(images)
