"""ResNet-18 and -34 (He et al. 2015, arXiv:1512.03385) with torchvision's parameter names.

Batch norm is frozen, as in ACT: four buffers that training does not touch. Each is folded into the
convolution before it, which gives the same numbers and spares a pass over every feature map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)
EPS = 1e-5


class FrozenBatchNorm2d(nn.Module):
    """Buffers of a batch norm that no longer learns; `fold` gives them to a convolution."""

    weight: torch.Tensor
    bias: torch.Tensor
    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.measuring = False

    def fold(self, conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        """norm(conv(x)), as one convolution."""
        if self.measuring:
            self._measure(conv(x))
        scale = self.weight * torch.rsqrt(self.running_var + EPS)
        shift = self.bias - self.running_mean * scale
        return F.conv2d(
            x, conv.weight * scale[:, None, None, None], shift, conv.stride, conv.padding
        )

    def _measure(self, features: torch.Tensor) -> None:
        variance, mean = torch.var_mean(features.float(), dim=(0, 2, 3))
        self.running_mean.copy_(mean)
        self.running_var.copy_(variance)


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside an identity, or beside a 1x1 where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, outputs, 3, stride), FrozenBatchNorm2d(outputs)
        self.conv2, self.bn2 = _conv(outputs, outputs, 3, 1), FrozenBatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.ModuleList(
                [_conv(inputs, outputs, 1, stride), FrozenBatchNorm2d(outputs)]
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beside = x
        if self.downsample is not None:
            conv, norm = self.downsample
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, FrozenBatchNorm2d)
            beside = norm.fold(conv, x)
        x = F.relu(self.bn1.fold(self.conv1, x))
        return F.relu(self.bn2.fold(self.conv2, x) + beside)


class ResNet(nn.Module):
    """(B, 3, H, W) normalised -> (B, 512, ceil(H / 32), ceil(W / 32))."""

    def __init__(self, name: str):
        super().__init__()
        inputs = WIDTHS[0]
        self.conv1, self.bn1 = _conv(3, inputs, 7, 2), FrozenBatchNorm2d(inputs)
        for number, (width, count) in enumerate(zip(WIDTHS, BLOCKS[name], strict=True), start=1):
            first_stride = 1 if number == 1 else 2
            blocks = [
                BasicBlock(inputs if i == 0 else width, width, first_stride if i == 0 else 1)
                for i in range(count)
            ]
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
            inputs = width
        self.out_channels = inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.bn1.fold(self.conv1, x)), 3, stride=2, padding=1)
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return x

    @torch.no_grad()
    def measure_norms(self, images: torch.Tensor) -> None:
        """Fill every norm's mean and variance from these images, layer after layer.

        Without pretrained weights the buffers would be 0 and 1 and normalise nothing.
        """
        norms = [part for part in self.modules() if isinstance(part, FrozenBatchNorm2d)]
        for norm in norms:
            norm.measuring = True
        try:
            self(images)
        finally:
            for norm in norms:
                norm.measuring = False
