"""One way to scale a picture: the frame cache and a policy's processing both use it.

Were it two, a policy would see other pixels when it drives than when it learned.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F


def scaled(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(B, H, W, 3) uint8 -> (B, h, w, 3) uint8, bilinear and antialiased; size is (h, w).

    Every picture is scaled by itself: the batch it is in does not matter.
    """
    if tuple(images.shape[1:3]) == tuple(size):
        return images
    planes = images.permute(0, 3, 1, 2)
    return F.interpolate(
        planes, size=size, mode="bilinear", align_corners=False, antialias=True
    ).permute(0, 2, 3, 1)


def scaled_frame(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`scaled` of one (H, W, 3) uint8 array."""
    return scaled(torch.from_numpy(np.ascontiguousarray(frame))[None], size)[0].numpy()
