"""DART noise: bounded, of the stated strength, and a pure function of its generator."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from loopyard.core.seeds import stream
from loopyard.experts.noise import DartNoise, NoiseSettings, no_noise


def course(settings: NoiseSettings, clean: np.ndarray, ticks: int, seed: int = 0) -> np.ndarray:
    noise = DartNoise(settings, size=clean.size, fps=10, rng=stream("noise-test", seed))
    return np.stack([noise(clean) for _ in range(ticks)])


def test_the_same_generator_gives_the_same_course():
    one, other = (course(NoiseSettings(), np.zeros(4, np.float32), 200) for _ in range(2))
    assert one.tobytes() == other.tobytes()
    assert one.tobytes() != course(NoiseSettings(), np.zeros(4, np.float32), 200, seed=1).tobytes()


def test_driven_actions_stay_float32_in_the_action_space():
    driven = course(NoiseSettings(wander=1.0, slips_per_s=5.0), np.ones(4, np.float32), 500)
    assert driven.dtype == np.float32
    assert np.abs(driven).max() <= 1.0


def test_the_clean_action_is_left_as_it_was():
    clean = np.full(4, 0.5, np.float32)
    course(NoiseSettings(), clean, 50)
    assert clean.tolist() == [0.5] * 4


def test_the_wander_has_its_strength_and_forgets_in_its_time():
    wander = course(NoiseSettings(slips_per_s=0.0), np.zeros(4, np.float32), 20_000)
    assert wander.std() == pytest.approx(0.2, rel=0.05)
    assert np.abs(wander.mean(axis=0)).max() < 0.03
    after_600_ms = np.mean(wander[:-6] * wander[6:]) / wander.var()
    assert after_600_ms == pytest.approx(np.exp(-1.0), abs=0.05)


def test_slips_come_as_often_as_stated():
    settings = NoiseSettings(wander=0.0, slips_per_s=0.2, slip_s=0.1)  # of one tick each
    driven = course(settings, np.zeros(6, np.float32), 50_000)
    begun = (driven != 0).any(axis=1).sum()
    assert begun == pytest.approx(0.2 * 5_000, rel=0.15)


def test_settings_of_nothing_disturb_nothing():
    clean = np.array([0.3, -1.0, 0.0, 1.0], np.float32)
    quiet = NoiseSettings(wander=0.0, slips_per_s=0.0)
    assert (course(quiet, clean, 20) == clean).all()
    assert no_noise(clean) is clean


@pytest.mark.parametrize("wrong", [{"wander": -0.1}, {"wander_s": 0.0}, {"slip": 1.0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        NoiseSettings(**wrong)
