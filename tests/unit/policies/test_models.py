"""What every network keeps, and what is each one's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from loopyard.core.errors import ConfigError
from loopyard.core.specs import STATE_KEY
from loopyard.policies.act.dropout import ByteDropout
from loopyard.policies.act.resnet import FrozenBatchNorm2d, ResNet
from loopyard.policies.act.transformer import EncoderLayer, image_code, sequence_code
from loopyard.policies.catalogue import TYPES, make_config, make_model


def inputs(batch: int, cameras: int, kind: str = "") -> tuple[Any, ...]:
    """Images and state, and words' numbers for a network that reads."""
    generator = torch.Generator().manual_seed(1)
    images = [torch.randn(batch, 3, 32, 32, generator=generator) for _ in range(cameras)]
    state = torch.randn(batch, 3, generator=generator)
    if not kind.startswith("vla"):
        return images, state
    return images, state, torch.randint(1, 9, (batch, 7), generator=generator)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("cameras", [("ego",), ("ego", "side")])
def test_gives_a_chunk_in_float32_and_every_weight_learns(model_of, kind, cameras):
    model = model_of(kind, cameras).train()
    given = inputs(4, len(cameras), kind)
    action, is_pad = torch.randn(4, 6, 2), torch.zeros(4, 6, dtype=torch.bool)
    with torch.autocast("cpu", torch.bfloat16):
        chunk, further = model.training_forward(*given, action, is_pad)
    assert chunk.shape == (4, 6, 2)
    assert chunk.dtype == torch.float32
    (chunk.square().mean() + sum(further.values(), torch.zeros(()))).backward()
    idle = {
        name
        for name, weight in model.named_parameters()
        if weight.requires_grad and (weight.grad is None or not weight.grad.abs().sum() > 0)
    }
    # An adapter's second half begins at zero, so the first gradient passes its first half by.
    idle = {name for name in idle if "lora_A" not in name}
    # ACT's decoder starts from zeros, so its first self-attention has nothing to tell apart.
    first = ("decoder.layers.0.self_attn", "decoder.layers.0.norm1")
    assert {name for name in idle if not name.startswith(first)} == set()


@pytest.mark.parametrize("kind", TYPES)
def test_a_sample_does_not_depend_on_its_batch(model_of, kind):
    model = model_of(kind).eval()
    images, *rest = inputs(5, 1, kind)
    with torch.inference_mode():
        together = model(images, *rest)
        alone = model([images[0][2:3]], *(part[2:3] for part in rest))
    assert torch.allclose(alone, together[2:3], atol=1e-5)


@pytest.mark.parametrize("kind", TYPES)
def test_looks_at_the_image(model_of, kind):
    model = model_of(kind).eval()
    images, *rest = inputs(1, 1, kind)
    with torch.inference_mode():
        assert not torch.allclose(model(images, *rest), model([images[0] * 0.5], *rest))


def test_vla_nano_reads_and_padding_says_nothing(model_of):
    model = model_of("vla-nano").eval()
    images, state, text = inputs(1, 1, "vla-nano")
    other = text.clone()
    other[0, 3] = 1 if text[0, 3] != 1 else 2
    longer = torch.cat([text, torch.zeros(1, 5, dtype=torch.int64)], dim=1)
    with torch.inference_mode():
        chunk = model(images, state, text)
        assert not torch.allclose(model(images, state, other), chunk)
        assert torch.allclose(model(images, state, longer), chunk, atol=1e-6)
        rare = text.clone()
        rare[0, 0] = 100_000
        assert torch.isfinite(model(images, state, rare)).all()


def test_act_knows_without_a_state(config_of):
    config = config_of("act")
    features = {key: part for key, part in config.input_features.items() if key != STATE_KEY}
    model = make_model(config.model_copy(update={"input_features": features}))
    images, _ = inputs(2, 1)
    assert model(images, torch.zeros(2, 0)).shape == (2, 6, 2)


def test_act_has_lerobots_names_and_size(config_of, monkeypatch):
    monkeypatch.setattr("loopyard.policies.act.resnet.WIDTHS", (64, 128, 256, 512))
    model = make_model(
        config_of(
            "act",
            chunk_size=20,
            n_action_steps=20,
            dim_model=512,
            n_heads=8,
            dim_feedforward=3200,
            n_encoder_layers=4,
            n_vae_encoder_layers=4,
            latent_dim=32,
        )
    )
    names = set(model.state_dict())
    for name in (
        "backbone.conv1.weight",
        "backbone.bn1.running_var",
        "vae_encoder_pos_enc",
        "backbone.layer2.0.downsample.1.weight",
        "backbone.layer4.1.bn2.bias",
        "encoder.layers.3.self_attn.in_proj_weight",
        "encoder.layers.0.linear2.bias",
        "decoder.layers.0.multihead_attn.out_proj.weight",
        "decoder.layers.0.norm3.weight",
        "decoder.norm.weight",
        "vae_encoder.layers.3.norm2.bias",
        "vae_encoder_cls_embed.weight",
        "vae_encoder_robot_state_input_proj.weight",
        "vae_encoder_action_input_proj.bias",
        "vae_encoder_latent_output_proj.weight",
        "encoder_robot_state_input_proj.weight",
        "encoder_latent_input_proj.weight",
        "encoder_img_feat_input_proj.weight",
        "encoder_1d_feature_pos_embed.weight",
        "decoder_pos_embed.weight",
        "action_head.weight",
    ):
        assert name in names
    assert not [name for name in names if "num_batches_tracked" in name or "backbone.fc" in name]
    assert "encoder.norm.weight" not in names
    count = sum(weight.numel() for weight in model.parameters())
    assert 51.4e6 < count < 51.7e6  # 51.6 M, as LeRobot's


def test_folded_norm_is_batch_norm_in_evaluation():
    torch.manual_seed(0)
    conv, norm, frozen = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), FrozenBatchNorm2d(5)
    for name, values in frozen.named_buffers():
        values.copy_(torch.rand(5) + 0.5)
        norm.state_dict()[name].copy_(values)
    x = torch.randn(2, 3, 8, 8)
    assert torch.allclose(frozen.fold(conv, x), norm.eval()(conv(x)), atol=1e-5)


def test_measured_norms_normalise():
    torch.manual_seed(0)
    net, x = ResNet("resnet18"), torch.randn(16, 3, 64, 64) * 3 + 1
    net.measure_norms(x)
    out = net.bn1.fold(net.conv1, x)
    assert out.mean((0, 2, 3)).abs().max() < 1e-3
    assert (out.std((0, 2, 3)) - 1).abs().max() < 1e-2


def test_encoder_layer_is_the_textbook_one(config_of):
    torch.manual_seed(0)
    layer = EncoderLayer(config_of("act")).eval()
    textbook = nn.TransformerEncoderLayer(32, 4, 32, 0.0, batch_first=True).eval()
    textbook.load_state_dict(layer.state_dict())
    x = torch.randn(2, 5, 32)
    with torch.inference_mode():
        assert torch.allclose(layer(x, torch.zeros(5, 32)), textbook(x), atol=1e-5)
        assert torch.allclose(layer(x, torch.zeros(5, 32), first=1), textbook(x)[:, :1], atol=1e-5)


def test_position_codes():
    code = sequence_code(3, 4)
    assert torch.allclose(
        code[1],
        torch.tensor([1.0, 1.0, 0.01, 0.01])
        .sin()
        .where(
            torch.tensor([True, False, True, False]), torch.tensor([1.0, 1.0, 0.01, 0.01]).cos()
        ),
    )
    cells = image_code(2, 3, 8)
    assert cells.shape == (6, 8)
    assert torch.equal(cells[0, :4], cells[1, :4])  # one row: the same first half
    assert torch.equal(cells[0, 4:], cells[3, 4:])  # one column: the same second half


def test_byte_dropout_keeps_the_mean_and_its_share():
    torch.manual_seed(0)
    drop, x = ByteDropout(0.1), torch.ones(400, 401)
    out = drop.train()(x)
    assert abs(out.mean().item() - 1) < 0.01
    assert abs((out == 0).float().mean().item() - 26 / 256) < 0.005
    assert torch.equal(drop.eval()(x), x)
    assert F.mse_loss(drop.train()(x), out) > 0


@pytest.mark.parametrize(
    ("kind", "sizes", "field"),
    [
        ("act-nano", {"hiden": 3}, "hiden"),
        ("act-nano", {"hidden": "wide"}, "hidden"),
        ("act-nano", {"n_action_steps": 7}, "n_action_steps: found 7"),
        ("act", {"dim_model": 30}, "dim_model"),
        ("act", {"temporal_ensemble_coeff": 0.01}, "n_action_steps"),
    ],
)
def test_wrong_sizes_name_the_field(config_of, kind, sizes, field):
    with pytest.raises(ConfigError, match=field):
        config_of(kind, **sizes)


def test_unknown_network_and_camera(config_of):
    with pytest.raises(ConfigError, match=r"policy: found 'rt-2'"):
        make_config("rt-2", "train", {})
    with pytest.raises(ConfigError, match="cameras: found 'rear'"):
        config_of("act", ("rear",))
