"""Augmentation: in range, reproducible, and nothing when it is off."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from loopyard.data.augment import Augmentation, colour, shift, state_noise


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


def test_the_generator_alone_decides_and_the_range_holds() -> None:
    augmentation = Augmentation(brightness=0.5, contrast=0.5, channel=0.5)
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
    with pytest.raises(ValidationError, match="rotate"):
        Augmentation.model_validate({"rotate": 3})
