"""What learns and what does not, and that the backbone computes what transformers' own does."""

from __future__ import annotations

import pytest
import torch

from loopyard.core.errors import ConfigError
from loopyard.policies.catalogue import make_model
from loopyard.policies.vla.backbones import BACKBONES
from loopyard.policies.words import FIRST

TEXT = torch.tensor([[5, 6, 7, 0, 0], [8, 9, 10, 11, 12]])


def given(ticks: int = 1, side: int = 32):
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, ticks, 3, side, side, generator=generator)
    return [images], torch.randn(2, 3, generator=generator), TEXT


def reached(model) -> set[str]:
    """Names of the weights that a loss moves."""
    chunk, further = model.train().training_forward(
        *given(model.config.window), torch.zeros(2, 6, 2), torch.zeros(2, 6, dtype=torch.bool)
    )
    (chunk.square().mean() + sum(further.values(), torch.zeros(()))).backward()
    return {
        name
        for name, weight in model.named_parameters()
        if weight.grad is not None and weight.grad.abs().sum() > 0
    }


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("head", ["lstm", "mlp"])
def test_gradients_reach_exactly_the_adapters_and_the_head(vla_of, backbone, head):
    model = vla_of(backbone=backbone, head=head, n_obs_steps=4, lora_dropout=0.0)
    found = reached(model)
    layers = {name.rpartition(".lora_")[0] for name in found if ".lora_" in name}
    out = "out_proj" if backbone == "kosmos-2" else "o_proj"
    path = "model.layers" if backbone == "kosmos-2" else "layers"
    assert layers == {
        f"backbone.text_model.{path}.{layer}.self_attn.{part}"
        for layer in (0, 1)
        for part in ("q_proj", "k_proj", "v_proj", out)
    }
    adapters = {f"{layer}.lora_{half}.default.weight" for layer in layers for half in "AB"}
    heads = {f"head.{name}" for name, _ in model.head.named_parameters()}
    assert found == adapters | heads | {"action_token"}
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert frozen.isdisjoint(found)
    assert all(model.get_parameter(name).grad is None for name in frozen)
    held = {name for name in model.state_dict() if name != "base_fingerprint"}
    assert held == found


def test_the_other_modes_move_all_or_only_the_head(vla_of):
    whole = vla_of(mode="full", head="lstm", n_obs_steps=2)
    assert reached(whole) == {name for name, _ in whole.named_parameters()}
    frozen = vla_of(mode="frozen", readout="pooled")
    assert reached(frozen) == {f"head.{name}" for name, _ in frozen.head.named_parameters()}
    assert not frozen.backbone.training


def test_adapters_in_the_eye_too_and_by_name(vla_of):
    names = reached(vla_of(lora_vision=True, lora_targets=["q_proj", "fc1"], lora_dropout=0.0))
    layers = {name.rpartition(".lora_")[0] for name in names if ".lora_" in name}
    assert any(".vision_model." in layer for layer in layers)
    assert {layer.rpartition(".")[2] for layer in layers} == {"q_proj", "fc1"}
    with pytest.raises(ConfigError, match=r"lora_targets: found 'w_proj'.*q_proj"):
        vla_of(lora_targets=["w_proj"])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_with_adapters_off_it_is_transformers_own_to_the_last_digits(vla_of, backbone):
    from peft.tuners.tuners_utils import BaseTunerLayer

    model = vla_of(backbone=backbone, readout="pooled")
    images, _, text = given()
    with torch.inference_mode():
        adapted = model.features(images, text)
        for module in model.backbone.modules():
            if isinstance(module, BaseTunerLayer):
                module.enable_adapters(False)
        off = model.features(images, text)
        wanted = as_transformers_does(backbone, images[0][:, 0], text)
    assert not torch.allclose(adapted, off, atol=1e-3)
    assert torch.allclose(off[:, 0], wanted, atol=1e-6)


def as_transformers_does(backbone: str, pixels: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """The two pooled readouts from the network's own call, picture and words as token numbers."""
    kind = BACKBONES[backbone]
    torch.manual_seed(0)
    network = kind.classes()[1](kind.architecture("tiny", 32)).eval()
    marks = kind.own_marks
    words = torch.where(text > 0, text - FIRST + marks.first_word, marks.pad)
    count = 8 if backbone == "kosmos-2" else 4
    picture = [1 if backbone == "smolvlm" else 7] * count
    prompt = torch.tensor([*marks.start, *marks.before, *picture, *marks.after])
    numbers = torch.cat([prompt.expand(2, -1), words], dim=1)
    there = torch.cat([torch.ones(2, len(prompt)), text > 0], dim=1).long()
    first = len(marks.start) + len(marks.before)
    at = torch.zeros_like(numbers)
    at[:, first : first + count] = 1
    if backbone == "kosmos-2":
        read = network(
            pixel_values=pixels,
            input_ids=numbers,
            attention_mask=there,
            image_embeds_position_mask=at,
        ).last_hidden_state
    else:
        positions = (there.cumsum(1) - 1).clamp_min(0)
        read = network(
            pixel_values=pixels[:, None],
            input_ids=numbers,
            attention_mask=there,
            position_ids=positions,
        ).last_hidden_state
    told = read[:, len(prompt) :] * (text > 0)[..., None]
    told = told.sum(1) / (text > 0).sum(1, keepdim=True)
    return torch.cat([read[:, first : first + count].mean(1), told], dim=1)


@pytest.mark.parametrize("readout", ["action", "pooled"])
def test_it_reads_it_looks_back_and_padding_says_nothing(vla_of, readout):
    model = vla_of(n_obs_steps=4, readout=readout)
    images, state, text = given(4)
    other = text.clone()
    other[:, 1] = 9
    longer = torch.cat([text, torch.zeros(2, 6, dtype=torch.int64)], dim=1)
    earlier = images[0].clone()
    earlier[:, 0] = 0.0
    with torch.inference_mode():
        chunk = model(images, state, text)
        assert not torch.allclose(model(images, state, other), chunk, atol=1e-4)
        assert not torch.allclose(model([earlier], state, text), chunk, atol=1e-6)
        assert torch.allclose(model(images, state, longer), chunk, atol=1e-5)
        strange = torch.full_like(text, 100_000)
        assert torch.isfinite(model(images, state, strange)).all()
        hidden = model([torch.zeros_like(images[0])], state, torch.zeros_like(text))
        assert torch.isfinite(hidden).all()


def test_random_weights_are_those_of_their_seed_alone(config_of):
    torch.manual_seed(3)
    first = make_model(config_of("vla"))
    drawn = torch.rand(1)
    torch.manual_seed(3)
    second = make_model(config_of("vla"))
    assert torch.equal(torch.rand(1), drawn)
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    torch.manual_seed(4)
    third, other = make_model(config_of("vla")), make_model(config_of("vla", weights_seed=1))
    same = first.state_dict()["base_fingerprint"]
    assert torch.equal(third.state_dict()["base_fingerprint"], same)
    assert not torch.equal(other.state_dict()["base_fingerprint"], same)


def test_classes_weigh_by_how_rare_they_are_and_come_back_as_numbers(vla_of):
    model = vla_of(bins=5, bin_balance=1.0)
    assert model.bins is not None
    labels = torch.tensor([[-1.0, 0.5]] * 3 + [[0.0, 0.5]])
    model.weigh_labels(labels)
    assert model.bins.classes(labels)[0].tolist() == [0, 3]
    weights = model.bins.weights[0]
    assert weights[2] == pytest.approx(3 * weights[0])
    assert weights[model.bins.classes(labels)[:, 0]].mean() == pytest.approx(1.0)
    logits = torch.zeros(1, 1, 2, 5)
    logits[..., 3] = 9.0
    assert torch.allclose(model.bins.actions(logits), torch.full((1, 1, 2), 0.5))
    right, wrong = torch.full((1, 1, 2), 0.5), torch.full((1, 1, 2), -1.0)
    pad = torch.zeros(1, 1, dtype=torch.bool)
    assert model.bins.loss(logits, right, pad) < model.bins.loss(logits, wrong, pad)
    assert model.bins.loss(logits, wrong, ~pad) == 0
    found = reached(model)
    assert "head.out.weight" in found


@pytest.mark.parametrize(
    ("sizes", "field"),
    [
        ({"size": None}, "weights: found None"),
        ({"weights": "somewhere"}, r"weights: found \['weights', 'size'\]"),
        ({"mode": "frozen"}, "readout: found 'action'"),
        ({"mode": "full", "base_dtype": "bfloat16"}, "base_dtype: found 'bfloat16'"),
        ({"bins": 1}, "bins: found 1"),
        ({"n_obs_steps": 9}, "n_obs_steps"),
        ({"backbone": "clip"}, "backbone: found 'clip'"),
    ],
)
def test_wrong_settings_name_the_field(config_of, sizes, field):
    with pytest.raises(ConfigError, match=field):
        config_of("vla", **sizes)


def test_pictures_that_a_backbone_cannot_take(config_of):
    config = config_of("vla", backbone="smolvlm")
    camera = next(iter(config.input_features))
    feature = config.input_features[camera].model_copy(update={"shape": (3, 48, 64)})
    features = {**config.input_features, camera: feature}
    with pytest.raises(ConfigError, match=r"image_size: found \(48, 64\), expected \(48, 48\)"):
        make_model(config.model_copy(update={"input_features": features}))
