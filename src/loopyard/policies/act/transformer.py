"""The transformer of ACT: DETR's, positions added to queries and keys at every layer.

Parameter names are LeRobot's. Tensors are (B, N, dim); attention weights are never formed.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from loopyard.policies.act.config import ACTConfig
from loopyard.policies.act.dropout import ByteDropout


class FeedForward(nn.Module):
    """The parts that encoder and decoder layers share: two linear layers, norms, dropout."""

    def __init__(self, config: ACTConfig):
        super().__init__()
        self.self_attn = _attention(config)
        self.linear1 = nn.Linear(config.dim_model, config.dim_feedforward)
        self.linear2 = nn.Linear(config.dim_feedforward, config.dim_model)
        self.norm1 = nn.LayerNorm(config.dim_model)
        self.norm2 = nn.LayerNorm(config.dim_model)
        self.dropout = ByteDropout(config.dropout)
        self.activation = F.relu if config.feedforward_activation == "relu" else F.gelu
        self.pre_norm = config.pre_norm

    def mlp(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class EncoderLayer(FeedForward):
    """Self-attention and MLP, normed before or after."""

    def forward(
        self,
        x: torch.Tensor,
        position: torch.Tensor,
        is_pad: torch.Tensor | None = None,
        first: int | None = None,
    ) -> torch.Tensor:
        """first: compute only so many of the tokens; the others only serve as keys."""
        normed = self.norm1(x) if self.pre_norm else x
        keys = normed + position
        attended = self.self_attn(
            keys[:, :first], keys, normed, key_padding_mask=is_pad, need_weights=False
        )[0]
        x = x[:, :first] + self.dropout(attended)
        if self.pre_norm:
            return x + self.dropout(self.mlp(self.norm2(x)))
        x = self.norm1(x)
        return self.norm2(x + self.dropout(self.mlp(x)))


class DecoderLayer(FeedForward):
    """Self-attention, attention over the encoder's tokens, and MLP."""

    def __init__(self, config: ACTConfig):
        super().__init__(config)
        self.norm3 = nn.LayerNorm(config.dim_model)
        self.multihead_attn = _attention(config)

    def forward(
        self,
        x: torch.Tensor,
        memory: torch.Tensor,
        position: torch.Tensor,
        memory_position: torch.Tensor,
    ) -> torch.Tensor:
        normed = self.norm1(x) if self.pre_norm else x
        keys = normed + position
        x = x + self.dropout(self.self_attn(keys, keys, normed, need_weights=False)[0])
        if not self.pre_norm:
            x = self.norm1(x)
        queries = (self.norm2(x) if self.pre_norm else x) + position
        x = x + self.dropout(
            self.multihead_attn(queries, memory + memory_position, memory, need_weights=False)[0]
        )
        if self.pre_norm:
            return x + self.dropout(self.mlp(self.norm3(x)))
        x = self.norm2(x)
        return self.norm3(x + self.dropout(self.mlp(x)))


class Encoder(nn.Module):
    """``count`` encoder layers; a last norm only where the layers norm first."""

    def __init__(self, config: ACTConfig, count: int):
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(count))
        self.norm = nn.LayerNorm(config.dim_model) if config.pre_norm else nn.Identity()

    def forward(
        self,
        x: torch.Tensor,
        position: torch.Tensor,
        is_pad: torch.Tensor | None = None,
        first: int | None = None,
    ) -> torch.Tensor:
        """first: how many tokens are wanted; the last layer computes no others."""
        for layer in self.layers[:-1]:
            x = layer(x, position, is_pad)
        return self.norm(self.layers[-1](x, position, is_pad, first))


class Decoder(nn.Module):
    """Decoder layers and a norm."""

    def __init__(self, config: ACTConfig):
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.n_decoder_layers))
        self.norm = nn.LayerNorm(config.dim_model)

    def forward(
        self,
        x: torch.Tensor,
        memory: torch.Tensor,
        position: torch.Tensor,
        memory_position: torch.Tensor,
    ) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x, memory, position, memory_position)
        return self.norm(x)


def _attention(config: ACTConfig) -> nn.MultiheadAttention:
    return nn.MultiheadAttention(
        config.dim_model, config.n_heads, dropout=config.dropout, batch_first=True
    )


def sequence_code(count: int, dim: int) -> torch.Tensor:
    """(count, dim) sines (even columns) and cosines (odd) of a position; Vaswani et al. 2017."""
    column = torch.arange(dim, dtype=torch.float64)
    angle = torch.arange(count, dtype=torch.float64)[:, None] / torch.pow(
        10_000.0, 2 * torch.div(column, 2, rounding_mode="floor") / dim
    )
    return torch.where(column % 2 == 0, angle.sin(), angle.cos()).float()


def image_code(height: int, width: int, dim: int) -> torch.Tensor:
    """(height * width, dim) code of each cell's row (first half) and column (second half).

    DETR's (Carion et al. 2020): places run from 1/n to 1 of a full turn.
    """
    half = dim // 2
    column = torch.arange(half, dtype=torch.float32)
    frequency = 10_000.0 ** (2 * torch.div(column, 2, rounding_mode="floor") / half)

    def code(count: int) -> torch.Tensor:
        places = torch.arange(1, count + 1, dtype=torch.float32)
        angle = (places / (places[-1] + 1e-6) * 2 * math.pi)[:, None] / frequency
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=-1).flatten(1)

    rows = code(height)[:, None].expand(height, width, half)
    columns = code(width)[None].expand(height, width, half)
    return torch.cat([rows, columns], dim=-1).reshape(height * width, dim)
