"""The config of `act`: LeRobot's field names and defaults, so that config.json moves both ways."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loopyard.core.errors import expected
from loopyard.policies.config import PolicyConfig

NormName = Literal["IDENTITY", "MEAN_STD", "MIN_MAX"]


class ACTConfig(PolicyConfig, frozen=True):
    """Sizes of Zhao et al. 2023 (arXiv:2304.13705) as LeRobot has them.

    One encoder layer more or less, the VAE, and its weight in the loss are settings; a final
    dilation in the backbone is not, because a ResNet-18 has none.
    """

    type: Literal["act"] = "act"
    n_obs_steps: Literal[1] = 1
    normalization_mapping: dict[str, NormName] = Field(
        default={"VISUAL": "MEAN_STD", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"}
    )
    vision_backbone: Literal["resnet18", "resnet34"] = "resnet18"
    replace_final_stride_with_dilation: Literal[False] = False
    pre_norm: bool = False
    dim_model: int = Field(default=512, ge=8)
    n_heads: int = Field(default=8, ge=1)
    dim_feedforward: int = Field(default=3200, ge=8)
    feedforward_activation: Literal["relu", "gelu"] = "relu"
    n_encoder_layers: int = Field(default=4, ge=1)
    n_decoder_layers: int = Field(default=1, ge=1)
    use_vae: bool = True
    latent_dim: int = Field(default=32, ge=1)
    n_vae_encoder_layers: int = Field(default=4, ge=1)
    temporal_ensemble_coeff: float | None = None
    dropout: float = Field(default=0.1, ge=0, lt=1)
    kl_weight: float = Field(default=10.0, ge=0)

    @model_validator(mode="after")
    def _even(self) -> ACTConfig:
        if self.dim_model % (2 * self.n_heads) or self.dim_model % 4:
            raise ValueError(
                expected(
                    "act",
                    "dim_model",
                    self.dim_model,
                    f"a multiple of 4 and of twice n_heads ({self.n_heads})",
                )
            )
        if self.temporal_ensemble_coeff is not None and self.n_action_steps != 1:
            raise ValueError(
                expected(
                    "act", "n_action_steps", self.n_action_steps, "1 with temporal_ensemble_coeff"
                )
            )
        return self
