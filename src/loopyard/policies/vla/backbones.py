"""The backbones there are: how each takes pictures and words, and its named configurations.

All of them are used alike: pictures become tokens, tokens stand in one sequence with the words,
and the language part reads the sequence. Only what differs is here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from loopyard.core.errors import ConfigError, expected
from loopyard.policies.vla.config import Marks

WORDS = 512
"""How many different words a backbone without a tokenizer of its own can tell apart."""


class Kosmos2:
    """Kosmos-2 (Peng et al., 2023, arXiv:2306.14824): 64 latent queries over a CLIP ViT-L/14."""

    own_marks = Marks(start=(0,), before=(4,), after=(5,), unknown=3, pad=1, first_word=6)
    attention = ("q_proj", "k_proj", "v_proj", "out_proj")
    language, vision = ("text_model.",), ("vision_model.", "image_to_text_projection.")

    @staticmethod
    def architecture(size: str, side: int) -> Any:
        """A transformers configuration by its name here. side: of the square picture, pixels."""
        from transformers import Kosmos2Config

        if size == "full":
            return Kosmos2Config()
        return Kosmos2Config(
            text_config={
                "vocab_size": WORDS + Kosmos2.own_marks.first_word,
                "max_position_embeddings": 256,
                "embed_dim": 32,
                "layers": 2,
                "ffn_dim": 64,
                "init_std": 0.18,  # at so few channels the usual 0.02 would lose the picture
                "attention_heads": 2,
            },
            vision_config={
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": side,
                "patch_size": 16,
            },
            latent_query_num=8,
        )

    @staticmethod
    def classes() -> tuple[Any, Any]:
        """transformers' configuration and network."""
        from transformers import Kosmos2Config, Kosmos2Model

        return Kosmos2Config, Kosmos2Model

    @staticmethod
    def marks(token: Any) -> Marks:
        """As its own tokenizer has them. token: the number of a token by its text."""
        return Marks(
            start=(token("<s>"),),
            before=(token("<image>"),),
            after=(token("</image>"),),
            unknown=token("<unk>"),
            pad=token("<pad>"),
        )

    @staticmethod
    def pictures(model: Any, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, h, w) -> (N, tokens, D)."""
        side = model.config.vision_config.image_size
        other = tuple(pixels.shape[2:]) != (side, side)
        return model.get_image_features(pixels, interpolate_pos_encoding=other).pooler_output

    @staticmethod
    def read(model: Any, tokens: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """(N, L, D) and (N, L) bool -> (N, L, D)."""
        pad = model.config.text_config.pad_token_id
        positions = there.cumsum(1) * there + pad  # as its own are counted from token numbers
        return model.text_model(
            inputs_embeds=tokens,
            attention_mask=there.long(),
            position_ids=positions,
            use_cache=False,
        ).last_hidden_state

    @staticmethod
    def check(config: Any, size: tuple[int, int], *, trained: bool) -> None:
        """Raises ConfigError where it cannot take pictures of this (height, width)."""
        side, patch = config.vision_config.image_size, config.vision_config.patch_size
        _require(size, side, trained or min(size) < patch)


class SmolVLM:
    """SmolVLM (Marafioti et al., 2025, arXiv:2504.05299): SigLIP, pixel shuffle, a small Llama.

    A picture is taken whole, without the tiles that its own processor cuts large ones into.
    """

    own_marks = Marks(start=(0,), before=(4, 5), after=(4,), unknown=3, pad=2, first_word=6)
    attention = ("q_proj", "k_proj", "v_proj", "o_proj", "out_proj")
    language, vision = ("text_model.",), ("vision_model.", "connector.")

    @staticmethod
    def architecture(size: str, side: int) -> Any:
        from transformers import SmolVLMConfig

        if size == "full":  # SmolVLM2-500M-Video-Instruct
            text = {
                "vocab_size": 49280,
                "hidden_size": 960,
                "intermediate_size": 2560,
                "num_hidden_layers": 32,
                "num_attention_heads": 15,
                "num_key_value_heads": 5,
            }
            vision = {
                "hidden_size": 768,
                "intermediate_size": 3072,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "image_size": 512,
                "patch_size": 16,
            }
            scale = 4
        else:
            text = {
                "vocab_size": WORDS + SmolVLM.own_marks.first_word,
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
            }
            vision = {
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": side,
                "patch_size": 8,
            }
            scale = 2
        return SmolVLMConfig(
            text_config={"model_type": "llama", "pad_token_id": 2, "max_position_embeddings": 8192}
            | text,
            vision_config=vision,
            scale_factor=scale,
            image_token_id=1,
        )

    @staticmethod
    def classes() -> tuple[Any, Any]:
        from transformers import SmolVLMConfig, SmolVLMModel

        return SmolVLMConfig, SmolVLMModel

    @staticmethod
    def marks(token: Any) -> Marks:
        around = token("<fake_token_around_image>")
        return Marks(
            start=(token("<|im_start|>"),),
            before=(around, token("<global-img>")),
            after=(around,),
            unknown=token("<|endoftext|>"),
            pad=token("<|im_end|>"),
        )

    @staticmethod
    def pictures(model: Any, pixels: torch.Tensor) -> torch.Tensor:
        # its own get_image_features leaves out pictures that are black all over
        seen = model.vision_model(pixel_values=pixels.to(model.dtype)).last_hidden_state
        return model.connector(seen)

    @staticmethod
    def read(model: Any, tokens: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        return model.text_model(
            inputs_embeds=tokens,
            attention_mask=there.long(),
            position_ids=(there.cumsum(1) - 1).clamp_min(0),
            use_cache=False,
        ).last_hidden_state

    @staticmethod
    def check(config: Any, size: tuple[int, int], *, trained: bool) -> None:
        vision = config.vision_config
        step = vision.patch_size * config.scale_factor
        uneven = size[0] != size[1] or size[0] % step != 0
        _require(size, vision.image_size if trained else max(step, size[0] // step * step), uneven)
        _require(size, vision.image_size, trained)


Backbone = type[Kosmos2] | type[SmolVLM]
BACKBONES: dict[str, Backbone] = {"kosmos-2": Kosmos2, "smolvlm": SmolVLM}


def _require(size: tuple[int, int], side: int, strict: bool) -> None:
    if strict and size != (side, side):
        raise ConfigError(
            expected("train", "image_size", size, f"({side}, {side}), which the backbone takes")
        )


def embedded(model: nn.Module, numbers: torch.Tensor) -> torch.Tensor:
    """Token numbers (...) -> (..., D)."""
    return model.get_input_embeddings()(numbers)  # type: ignore[operator]
