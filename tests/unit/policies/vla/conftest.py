from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from loopyard.policies.vla.backbones import BACKBONES
from loopyard.policies.vla.model import VlaModel

TASKS = ("go left of the box", "reach the cup")


@pytest.fixture
def vla_of(model_of):
    """A tiny `vla`, its adapters no longer at zero, in evaluation mode."""

    def make(**sizes) -> VlaModel:
        model = model_of("vla", **sizes)
        with torch.no_grad():
            for name, values in model.named_parameters():
                if "lora_B" in name:
                    values.normal_(std=0.3)
        return model.eval()

    return make


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    """A folder as the hub has them: a tiny Kosmos-2, its tokenizer, its picture's colours."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path / "kosmos"
    _, network = BACKBONES["kosmos-2"].classes()
    torch.manual_seed(7)
    network(BACKBONES["kosmos-2"].architecture("tiny", 32)).save_pretrained(folder)
    words = ["<s>", "<pad>", "</s>", "<unk>", "<image>", "</image>"]
    words += sorted({word for task in TASKS for word in task.split()})
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    tokenizer.add_special_tokens(words[:6])
    tokenizer.save(str(folder / "tokenizer.json"))
    colours = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}
    (folder / "preprocessor_config.json").write_text(json.dumps(colours))
    return folder
