"""A SmolVLA of a few thousand weights, its language model's files made here: nothing is fetched."""

# pyright: reportMissingImports=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from box_task import SIZE, SPEC, observation
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.factory import make_pre_post_processors
from lerobot.policies.smolvla.configuration_smolvla import SmolVLAConfig
from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    SmolVLMConfig,
    SmolVLMImageProcessor,
    SmolVLMProcessor,
    SmolVLMVideoProcessor,
)

import loopyard

KEYS = [camera.key for camera in SPEC.cameras]
WORDS = ["<pad>", "<unk>", "<bos>", "<eos>", "push", "the", "box", "away", "\n"]
MARKS = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"]


def language_model(folder: Path) -> Path:
    """Configuration, tokenizer and processor as the hub would give them."""
    known = {word: number for number, word in enumerate([*WORDS, *MARKS])}
    words = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<bos>",
        eos_token="<eos>",
        additional_special_tokens=MARKS,
        extra_special_tokens={
            "fake_image_token": "<fake_token_around_image>",
            "image_token": "<image>",
            "global_image_token": "<global-img>",
            "end_of_utterance_token": "<end_of_utterance>",
        },
    )
    SmolVLMProcessor(
        SmolVLMImageProcessor(), tokenizer, SmolVLMVideoProcessor(), chat_template=""
    ).save_pretrained(folder)
    SmolVLMConfig(
        image_token_id=known["<image>"],
        scale_factor=2,
        pad_token_id=0,  # pyright: ignore[reportCallIssue]  # LeRobot's release has it
        text_config={
            "model_type": "llama",
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "vocab_size": len(known),
            "pad_token_id": 0,
        },
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What LeRobot's training of this SmolVLA would leave."""
    root = tmp_path_factory.mktemp("smolvla")
    torch.manual_seed(0)
    visual = PolicyFeature(FeatureType.VISUAL, (3, SIZE, SIZE))
    config = SmolVLAConfig(
        input_features={camera.key: visual for camera in SPEC.cameras}
        | {"observation.state": PolicyFeature(FeatureType.STATE, (3,))},
        output_features={"action": PolicyFeature(FeatureType.ACTION, (2,))},
        device="cpu",
        vlm_model_name=str(language_model(root / "vlm")),
        chunk_size=6,
        n_action_steps=4,
        max_state_dim=4,
        max_action_dim=4,
        resize_imgs_with_padding=(32, 32),
        tokenizer_max_length=8,
        num_steps=2,
        num_vlm_layers=2,
        empty_cameras=1,
    )
    numbers = {
        key: {"mean": torch.full((size,), 0.1), "std": torch.full((size,), 0.5)}
        for key, size in (("observation.state", 3), ("action", 2))
    }
    before, after = make_pre_post_processors(config, dataset_stats=numbers)
    for part in (SmolVLAPolicy(config), before, after):
        part.save_pretrained(root / "policy")
    return root / "policy"


def test_it_gives_lerobots_own_chunk(folder, monkeypatch):
    there = SmolVLAPolicy.from_pretrained(folder)
    before, after = make_pre_post_processors(there.config, str(folder))
    here = loopyard.load_policy(folder)
    assert (here.chunk_size, here.n_action_steps) == (6, 4)
    network = type(there.model)
    monkeypatch.setattr(network, "sample_noise", lambda self, shape, device: torch.zeros(shape))
    obs = observation(1, 4)
    batch: dict = {key: torch.from_numpy(obs[key]).permute(2, 0, 1)[None] / 255.0 for key in KEYS}
    batch["observation.state"] = torch.from_numpy(obs["observation.state"])[None]
    batch["task"] = [obs["task"]]
    with torch.inference_mode():
        chunk = after(there.predict_action_chunk(before(batch)))[0].numpy()
    assert np.abs(here.predict_chunk(obs) - chunk.clip(-1, 1)).max() < 1e-5


def test_what_it_is_told_matters(folder):
    policy = loopyard.load_policy(folder)
    obs = observation(0)
    chunk = policy.predict_chunk(obs)
    assert np.array_equal(chunk, policy.predict_chunk(obs))
    assert not np.array_equal(chunk, policy.predict_chunk(obs | {"task": "away"}))
