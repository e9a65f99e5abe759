"""Pictures in messages, raw and compressed."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from loopyard.core.errors import DatasetError
from loopyard.data.importers.bags.images import COMPRESSED, RAW, picture

RGB = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
ALPHA = np.full((6, 5, 1), 7, np.uint8)


def raw(frame: np.ndarray, encoding: str, padding: int = 0) -> SimpleNamespace:
    height, width = frame.shape[:2]
    rows = frame.reshape(height, -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return SimpleNamespace(
        encoding=encoding, height=height, width=width, step=rows.shape[1], data=rows.ravel()
    )


def file(frame: np.ndarray, form: str) -> SimpleNamespace:
    data = io.BytesIO()
    Image.fromarray(frame).save(data, form)
    return SimpleNamespace(data=np.frombuffer(data.getvalue(), np.uint8))


def read(kind: str, body: Any) -> np.ndarray:
    return picture("drive.bag", "/camera", kind, body)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize(
    ("encoding", "frame"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("rgba8", np.concatenate([RGB, ALPHA], 2)),
        ("bgra8", np.concatenate([RGB[..., ::-1], ALPHA], 2)),
    ],
)
def test_every_encoding_gives_the_same_colours(encoding: str, frame: np.ndarray, padding: int):
    found = read(RAW, raw(np.ascontiguousarray(frame), encoding, padding))
    assert np.array_equal(found, RGB)
    assert found.flags.c_contiguous


def test_grey_has_three_equal_channels():
    found = read(RAW, raw(RGB[..., 0].copy(), "mono8"))
    assert np.array_equal(found, np.repeat(RGB[..., :1], 3, 2))


@pytest.mark.parametrize("encoding", ["16UC1", "mono16", "bayer_rggb8", "32FC1"])
def test_other_encodings_are_refused_by_name(encoding: str):
    with pytest.raises(DatasetError, match=rf"drive.bag: /camera: encoding: found '{encoding}'"):
        read(RAW, raw(RGB, encoding))


def test_too_few_bytes_are_refused():
    body = raw(RGB, "rgb8")
    body.data = body.data[:-1]
    with pytest.raises(DatasetError, match="/camera: data: found '89 bytes in rows of 15'"):
        read(RAW, body)
    with pytest.raises(DatasetError, match="pixels"):
        read(RAW, SimpleNamespace(encoding="rgb8", height=1 << 20, width=1 << 20, step=3, data=b""))


def test_jpeg_and_png_are_decoded():
    assert np.array_equal(read(COMPRESSED, file(RGB, "PNG")), RGB)
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    assert np.abs(read(COMPRESSED, file(smooth, "JPEG")).astype(int) - smooth).max() <= 3


def test_depth_and_damaged_and_other_files_are_refused():
    with pytest.raises(DatasetError, match="/camera: depth: found 'I;16'"):
        read(COMPRESSED, file(RGB[..., 0].astype(np.uint16), "PNG"))
    whole = file(RGB, "PNG").data
    with pytest.raises(DatasetError, match="/camera: picture"):
        read(COMPRESSED, SimpleNamespace(data=whole[: len(whole) // 2]))
    with pytest.raises(DatasetError, match="expected a JPEG or PNG"):
        read(COMPRESSED, file(RGB, "GIF"))
