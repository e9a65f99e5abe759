"""Augmentation: in range, reproducible, and nothing when it is off."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from loopyard.data.augment import Augmentation
from loopyard.data.augment.images import (
    _resampled,
    colour,
    pixel_noise,
    shift,
    state_noise,
    turn_and_crop,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 5) -> torch.Tensor:
    return torch.rand((count, 3, 12, 16), generator=generator(7))


def padded_shift(image: torch.Tensor, down: int, right: int, pad: int) -> torch.Tensor:
    """The textbook way: repeat the edges, then cut out."""
    wide = torch.nn.functional.pad(image[None], (pad,) * 4, mode="replicate")[0]
    return wide[:, pad - down : pad - down + 12, pad - right : pad - right + 16]


@pytest.mark.parametrize("seed", range(6))
def test_shift_is_pad_and_crop(seed: int) -> None:
    batch = images(40)
    offsets = torch.randint(-3, 4, (40, 2), generator=generator(seed)).tolist()
    moved = shift(batch, 3, generator(seed))
    for image, result, (down, right) in zip(batch, moved, offsets, strict=True):
        assert torch.equal(result, padded_shift(image, down, right, 3))


def test_shift_takes_bytes() -> None:
    batch = (images() * 255).to(torch.uint8)
    assert torch.equal(
        shift(batch.float(), 2, generator()).to(torch.uint8), shift(batch, 2, generator())
    )


def test_colour_is_brightness_then_contrast_by_hand() -> None:
    batch = torch.full((1, 3, 12, 16), 0.5)
    batch[:, :, :6] = 0.3
    lifted = colour(batch, generator(), brightness=0.1)
    step = lifted - batch
    assert step.max() == pytest.approx(float(step.min()), abs=1e-6)
    assert 0 < abs(float(step.mean())) <= 0.1
    stretched = colour(batch, generator(), contrast=0.5)
    assert float(stretched.mean()) == pytest.approx(0.4, abs=1e-6)
    assert float(stretched.std()) != pytest.approx(float(batch.std()))
    tinted = colour(batch, generator(), channel=0.2) / batch
    assert tinted.amax(dim=(2, 3)) == pytest.approx(tinted.amin(dim=(2, 3)), abs=1e-6)
    assert len(set(tinted[0, :, 0, 0].tolist())) == 3


def resampled(batch: torch.Tensor, angle: float, side: float, centre: tuple[float, float]):
    count = len(batch)
    return _resampled(
        batch,
        torch.full((count,), angle),
        torch.full((count,), side),
        torch.tensor([centre] * count),
    )


def test_a_quarter_turn_is_counterclockwise() -> None:
    square = images()[:, :, :, :12]
    turned = resampled(square, math.pi / 2, 1.0, (0.0, 0.0))
    assert torch.allclose(turned, torch.rot90(square, 1, (2, 3)), atol=1e-5)


def test_a_small_turn_of_a_wide_picture_does_not_shear_it() -> None:
    """A disc stays where it is and as it is."""
    down, across = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing="ij")
    distance = ((down - 5.5) ** 2 + (across - 7.5) ** 2).sqrt()
    disc = (4 - distance).clamp(0, 1).expand(1, 3, 12, 16)
    turned = resampled(disc, math.radians(30), 1.0, (0.0, 0.0))
    assert float((turned - disc).abs().max()) < 0.3


def test_a_crop_is_the_window_scaled_back() -> None:
    batch = images()
    corner = resampled(batch, 0.0, 0.5, (-0.5, 0.5))  # left, and below
    halves = torch.nn.functional.interpolate(
        batch[:, :, 6:, :8], scale_factor=2, mode="bilinear", align_corners=False
    )
    inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))  # beyond, neighbours mix in
    assert torch.allclose(corner[inner], halves[inner], atol=1e-5)


def test_turns_and_crops_invent_no_colour() -> None:
    """Every pixel is a mean of pixels: inside the range of its own image, a plain one unchanged."""
    batch = images(20)
    moved = turn_and_crop(batch, generator(), degrees=20, crop=0.3)
    assert bool((moved.amax((2, 3)) <= batch.amax((2, 3)) + 1e-6).all())
    assert bool((moved.amin((2, 3)) >= batch.amin((2, 3)) - 1e-6).all())
    plain = torch.full((4, 3, 12, 16), 0.25)
    assert torch.allclose(turn_and_crop(plain, generator(), degrees=20, crop=0.3), plain)


def test_pixel_noise_has_no_bias_and_at_most_the_size_asked_for() -> None:
    grey = torch.full((200, 3, 12, 16), 0.5)
    added = pixel_noise(grey, 0.05, generator()) - grey
    spread = added.std(dim=(1, 2, 3))
    assert abs(float(added.mean())) < 1e-3
    assert 0.04 < float(spread.max()) < 0.056
    assert float(spread.min()) < 0.01


def test_the_generator_alone_decides_and_the_range_holds() -> None:
    augmentation = Augmentation(
        brightness=0.5, contrast=0.5, channel=0.5, noise=0.3, crop=0.2, rotate_deg=10
    )
    batch = images()
    first = augmentation.images(batch, generator(1))
    assert torch.equal(first, augmentation.images(batch, generator(1)))
    assert not torch.equal(first, augmentation.images(batch, generator(2)))
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert torch.equal(batch, images())  # the input is left alone


def test_off_is_off() -> None:
    none = Augmentation(shift_px=0, brightness=0, contrast=0, channel=0, state_noise=0)
    batch, state = images(), torch.rand(5, 4)
    assert torch.equal(none.images(batch, generator()), batch)
    assert torch.equal(none.state(state, generator()), state)


def test_state_noise_has_the_size_asked_for() -> None:
    noise = state_noise(torch.zeros(4000, 3), 0.02, generator())
    assert float(noise.std()) == pytest.approx(0.02, rel=0.05)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="flip"):
        Augmentation.model_validate({"flip": 3})
