"""Statistics: numpy's, and an image histogram's against the pixels themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from loopyard.data.stats import QUANTILES, ImageHistogram, feature_stats


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.integers(1, 4)),
        elements=st.floats(-1e3, 1e3, width=32),
    )
)
def test_feature_stats_are_numpys(values: np.ndarray) -> None:
    stats = feature_stats(values)
    wide = values.astype(np.float64)
    assert np.allclose(stats["mean"], wide.mean(0))
    assert np.allclose(stats["std"], wide.std(0))
    assert np.array_equal(stats["min"], wide.min(0))
    assert np.array_equal(stats["max"], wide.max(0))
    assert stats["count"].tolist() == [len(values)]
    for name, share in QUANTILES.items():
        assert np.allclose(stats[name], np.quantile(wide, share, axis=0), atol=1e-6)


def test_an_image_histogram_tells_what_the_pixels_tell() -> None:
    frames = np.random.default_rng(0).integers(10, 240, (9, 20, 30, 3)).astype(np.uint8)
    histogram = ImageHistogram()
    for frame in frames:
        histogram.offer(frame)
    counted = frames[:: ImageHistogram.EVERY].reshape(-1, 3) / 255
    stats = histogram.stats()
    assert stats["mean"].shape == (3, 1, 1)
    assert np.allclose(stats["mean"].ravel(), counted.mean(0))
    assert np.allclose(stats["std"].ravel(), counted.std(0))
    assert np.allclose(stats["min"].ravel(), counted.min(0))
    assert np.allclose(stats["max"].ravel(), counted.max(0))
    assert np.allclose(stats["q50"].ravel(), np.quantile(counted, 0.5, axis=0), atol=1 / 255)
    assert stats["count"].tolist() == [3]


def test_histograms_add_up_and_survive_json() -> None:
    rng = np.random.default_rng(1)
    whole, parts = ImageHistogram(), [ImageHistogram(), ImageHistogram()]
    for part in parts:
        frame = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        part.offer(frame)
        whole.counts += part.counts
        whole.frames += 1
    merged = ImageHistogram.from_dict(json.loads(json.dumps(parts[0].to_dict())))
    merged.merge(parts[1])
    assert np.array_equal(merged.counts, whole.counts)
    assert merged.stats()["mean"] == pytest.approx(whole.stats()["mean"])
    assert merged.frames == 2


def test_large_frames_are_thinned() -> None:
    histogram = ImageHistogram()
    histogram.offer(np.zeros((480, 640, 3), np.uint8))
    assert 3_000 < histogram.counts[0].sum() < 25_000
