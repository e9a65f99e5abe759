"""ACT (Zhao et al. 2023, arXiv:2304.13705): ResNet, transformer, and a VAE over action chunks.

The module and parameter names are LeRobot's, so that weights move both ways.
"""

from __future__ import annotations

import torch
from torch import nn

from loopyard.policies.act.config import ACTConfig
from loopyard.policies.act.resnet import ResNet
from loopyard.policies.act.transformer import Decoder, Encoder, image_code, sequence_code


class ACTModel(nn.Module):
    """(images, state) -> (B, chunk_size, A) normalised actions."""

    vae_encoder_pos_enc: torch.Tensor
    random_forward = True

    def __init__(self, config: ACTConfig):
        super().__init__()
        self.config = config
        dim, has_state = config.dim_model, config.state_size > 0
        if config.use_vae:
            self.vae_encoder = Encoder(config, config.n_vae_encoder_layers)
            self.vae_encoder_cls_embed = nn.Embedding(1, dim)
            if has_state:
                self.vae_encoder_robot_state_input_proj = nn.Linear(config.state_size, dim)
            self.vae_encoder_action_input_proj = nn.Linear(config.action_size, dim)
            self.vae_encoder_latent_output_proj = nn.Linear(dim, 2 * config.latent_dim)
            count = 1 + has_state + config.chunk_size
            self.register_buffer("vae_encoder_pos_enc", sequence_code(count, dim)[None])
        self.backbone = ResNet(config.vision_backbone)
        self.encoder = Encoder(config, config.n_encoder_layers)
        self.decoder = Decoder(config)
        if has_state:
            self.encoder_robot_state_input_proj = nn.Linear(config.state_size, dim)
        self.encoder_latent_input_proj = nn.Linear(config.latent_dim, dim)
        self.encoder_img_feat_input_proj = nn.Conv2d(self.backbone.out_channels, dim, 1)
        self.encoder_1d_feature_pos_embed = nn.Embedding(1 + has_state, dim)
        self.decoder_pos_embed = nn.Embedding(config.chunk_size, dim)
        self.action_head = nn.Linear(dim, config.action_size)
        for part in (self.encoder, self.decoder):
            for parameter in part.parameters():
                if parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: list[torch.Tensor], state: torch.Tensor) -> torch.Tensor:
        """images: one (B, 3, H, W) a camera, normalised. state: (B, S), normalised.

        Without actions the latent is zero, the mean of its prior.
        """
        return self._decode(images, state, state.new_zeros(len(state), self.config.latent_dim))

    def training_forward(
        self,
        images: list[torch.Tensor],
        state: torch.Tensor,
        action: torch.Tensor,
        is_pad: torch.Tensor,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """(prediction, {"kl": weighted divergence of the latent from a unit normal})."""
        if not self.config.use_vae:
            return self(images, state), {}
        mean, log_variance = self._encode_actions(state, action, is_pad)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp())
        return (
            self._decode(images, state, latent),
            {"kl": self.config.kl_weight * divergence.sum(-1).mean()},
        )

    def measure_norms(self, images: torch.Tensor) -> None:
        """Fill the frozen norms of a backbone without pretrained weights; (N, 3, h, w)."""
        self.backbone.measure_norms(images)

    def _encode_actions(
        self, state: torch.Tensor, action: torch.Tensor, is_pad: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log variance of the latent, each (B, latent_dim) float32."""
        tokens = [self.vae_encoder_cls_embed.weight.expand(len(action), 1, -1)]
        if self.config.state_size:
            tokens.append(self.vae_encoder_robot_state_input_proj(state)[:, None])
        seen = is_pad.new_zeros(len(action), len(tokens))
        tokens.append(self.vae_encoder_action_input_proj(action))
        encoded = self.vae_encoder(
            torch.cat(tokens, dim=1),
            self.vae_encoder_pos_enc,
            torch.cat([seen, is_pad], dim=1),
            first=1,
        )
        return self.vae_encoder_latent_output_proj(encoded[:, 0]).float().chunk(2, dim=-1)

    def _decode(
        self, images: list[torch.Tensor], state: torch.Tensor, latent: torch.Tensor
    ) -> torch.Tensor:
        tokens = [self.encoder_latent_input_proj(latent)[:, None]]
        if self.config.state_size:
            tokens.append(self.encoder_robot_state_input_proj(state)[:, None])
        positions = [self.encoder_1d_feature_pos_embed.weight]
        for image in images:
            features = self.backbone(image)
            height, width = features.shape[2:]
            tokens.append(self.encoder_img_feat_input_proj(features).flatten(2).transpose(1, 2))
            positions.append(image_code(height, width, self.config.dim_model).to(latent.device))
        position = torch.cat(positions)
        memory = self.encoder(torch.cat(tokens, dim=1), position)
        queries = torch.zeros(
            len(state),
            self.config.chunk_size,
            self.config.dim_model,
            dtype=memory.dtype,
            device=memory.device,
        )
        decoded = self.decoder(queries, memory, self.decoder_pos_embed.weight, position)
        return self.action_head(decoded).float()
