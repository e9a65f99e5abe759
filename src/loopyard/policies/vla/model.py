"""`vla`: each of the last frames goes through the backbone with the instruction; a head acts.

Of every frame the backbone reads one sequence, pictures first, then the words, then (with readout
``action``) a learned token. What it says there, frame after frame, is what the head is given. So
does RoboFlamingo (Li et al., 2023, arXiv:2311.01378) with another backbone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from loopyard.core.errors import CheckpointError, expected
from loopyard.policies.vla.adapters import add_adapters
from loopyard.policies.vla.backbones import BACKBONES, WORDS, embedded
from loopyard.policies.vla.config import VlaConfig
from loopyard.policies.vla.head import ActionHead, Bins
from loopyard.policies.vla.weights import fingerprint, make_base
from loopyard.policies.words import FIRST, PAD

FEATURES_NDIM = 3


class VlaModel(nn.Module):
    """(images, state, text) -> (B, chunk_size, A) normalised actions.

    Its ``state_dict`` leaves the frozen backbone out and holds its fingerprint instead: another
    backbone's adapters are refused when they are loaded.
    """

    random_forward = True  # dropout, in the adapters and in the backbone

    base_fingerprint: torch.Tensor

    def __init__(self, config: VlaConfig):
        super().__init__()
        self.config = config
        base = make_base(config)
        self.backbone, self.marks = base.model, base.marks
        self._frozen: frozenset[str] = frozenset()
        identity = fingerprint(self.backbone)
        if config.mode == "full":
            self.backbone.requires_grad_(True)
        elif config.mode == "lora":
            add_adapters(self.backbone, config)
        width = self.backbone.get_input_embeddings().embedding_dim  # type: ignore[operator]
        self.feature_size = 2 * width
        frozen = config.mode == "frozen"
        self.feature_key = f"pooled {identity.hex()} {config.base_dtype}" if frozen else ""
        if config.readout == "action":
            self.action_token = nn.Parameter(torch.randn(width) * 0.02)
        self.head = ActionHead(config, width if config.readout == "action" else 2 * width)
        self.bins = Bins(config) if config.bins else None
        if config.mode != "full":
            self.register_buffer(
                "base_fingerprint", torch.tensor(list(identity), dtype=torch.uint8)
            )
            learns = {name for name, part in self.named_parameters() if part.requires_grad}
            self._frozen = frozenset(
                name
                for name in super().state_dict()
                if name.startswith("backbone.") and name not in learns
            )
        self.train()  # a frozen backbone's dropout is off from the beginning

    def forward(
        self, images: list[torch.Tensor], state: torch.Tensor, text: torch.Tensor
    ) -> torch.Tensor:
        """images: one (B, T, 3, H, W) a camera, normalised, without T where the window is one; or
        in their place what `features` gave, (B, T, F). state: (B, S). text: (B, L)."""
        return self._actions(self._read_off(images, state, text))

    def training_forward(
        self,
        images: list[torch.Tensor],
        state: torch.Tensor,
        text: torch.Tensor,
        action: torch.Tensor,
        is_pad: torch.Tensor,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """(prediction, further losses): with classes the prediction has no gradient, their loss
        has."""
        out = self._read_off(images, state, text)
        if self.bins is None:
            return out, {}
        return self._actions(out), {"bins": self.bins.loss(out, action, is_pad)}

    def weigh_labels(self, action: torch.Tensor) -> None:
        """Let rare classes weigh more. action: (N, A) normalised, labels of the training split."""
        if self.bins is not None:
            self.bins.weigh(action)

    def features(self, images: list[torch.Tensor], text: torch.Tensor) -> torch.Tensor:
        """(B, T, F): what the backbone says of each frame."""
        learns = torch.is_grad_enabled() and self.config.mode != "frozen"
        with torch.set_grad_enabled(learns):
            return self._sequence(images, text)

    def _read_off(
        self, images: list[torch.Tensor], state: torch.Tensor, text: torch.Tensor
    ) -> torch.Tensor:
        if images[0].ndim == FEATURES_NDIM:
            return self.head(images[0], state)
        if images[0].ndim == 4:
            images = [image[:, None] for image in images]
        return self.head(self.features(images, text), state)

    def _sequence(self, images: list[torch.Tensor], text: torch.Tensor) -> torch.Tensor:
        rows, ticks = images[0].shape[:2]
        backbone, marks = BACKBONES[self.config.backbone], self.marks
        count = rows * ticks
        is_word = (text != PAD).repeat_interleave(ticks, 0)
        words = embedded(self.backbone, self._token_numbers(text)).repeat_interleave(ticks, 0)
        pieces = [self._marked(marks.start, count)]
        is_picture = [torch.zeros(len(marks.start))]
        for image in images:
            seen = backbone.pictures(self.backbone, image.flatten(0, 1)).to(words.dtype)
            pieces += [self._marked(marks.before, count), seen, self._marked(marks.after, count)]
            is_picture += [torch.zeros(len(marks.before)), torch.ones(seen.shape[1])]
            is_picture += [torch.zeros(len(marks.after))]
        pieces.append(words)
        if self.config.readout == "action":
            pieces.append(self.action_token.to(words.dtype).expand(count, 1, -1))
        tokens = torch.cat(pieces, dim=1)
        there = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        first = sum(len(part) for part in is_picture)
        there[:, first : first + is_word.shape[1]] = is_word
        read = backbone.read(self.backbone, tokens, there)
        if self.config.readout == "action":
            return read[:, -1].view(rows, ticks, -1)
        pictures = read[:, :first][:, torch.cat(is_picture).bool().to(read.device)].mean(1)
        told = read[:, first:] * is_word[..., None]
        told = told.sum(1) / is_word.sum(1, keepdim=True).clamp_min(1)
        return torch.cat([pictures, told], dim=1).view(rows, ticks, -1)

    def _token_numbers(self, text: torch.Tensor) -> torch.Tensor:
        """Numbers of words, as a processing gives them, as the backbone's own."""
        marks = self.marks
        numbers = text - FIRST + marks.first_word
        size = self.backbone.get_input_embeddings().num_embeddings  # type: ignore[operator]
        most = WORDS + marks.first_word if marks.first_word else size
        known = (text >= FIRST) & (numbers < most)
        numbers = numbers.where(known, marks.unknown)
        return numbers.where(text != PAD, marks.pad)

    def _marked(self, numbers: tuple[int, ...], count: int) -> torch.Tensor:
        """(count, len(numbers), D)."""
        device = self.head.out.weight.device
        tokens = embedded(self.backbone, torch.tensor(numbers, dtype=torch.int64, device=device))
        return tokens.expand(count, -1, -1)

    def _actions(self, out: torch.Tensor) -> torch.Tensor:
        return out if self.bins is None else self.bins.actions(out)

    def train(self, mode: bool = True) -> VlaModel:
        super().train(mode)
        if self.config.mode == "frozen":
            self.backbone.eval()  # no dropout: its features are the same every time
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """All but the frozen backbone."""
        whole = super().state_dict(*args, **kwargs)
        return {name: values for name, values in whole.items() if name not in self._frozen}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Raises CheckpointError where it was trained in another backbone."""
        found = state_dict.get("base_fingerprint")
        if found is not None and not torch.equal(found.cpu(), self.base_fingerprint.cpu()):
            raise CheckpointError(
                expected(
                    "policy vla",
                    "backbone",
                    f"weights {_hex(self.base_fingerprint)}",
                    f"{_hex(found)}, in which this policy was trained",
                )
            )
        if strict and state_dict.keys() != self.state_dict().keys():
            raise KeyError(sorted(state_dict.keys() ^ self.state_dict().keys()))
        return super().load_state_dict(state_dict, strict=False, assign=assign)


def _hex(fingerprint: torch.Tensor) -> str:
    return bytes(fingerprint.tolist()).hex()[:16]
