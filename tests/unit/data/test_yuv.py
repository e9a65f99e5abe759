"""JPEG that becomes video without becoming RGB: the same picture, or none."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loopyard.core.errors import DatasetError
from loopyard.data.stats import ImageHistogram
from loopyard.data.video import ONE_THREAD, VideoSettings, VideoWriter, decode_video
from loopyard.data.yuv import JpegUnpacker

pytestmark = pytest.mark.skipif(not ONE_THREAD, reason="this PyAV places chroma half a pixel aside")


def room(height: int = 120, width: int = 160) -> np.ndarray:
    """(height, width, 3) uint8: a ramp with noise and saturated bricks of three pixels."""
    rng = np.random.default_rng(0)
    image = np.linspace(40, 200, width)[None, :, None] + rng.normal(0, 4, (height, width, 1))
    image = np.broadcast_to(image, (height, width, 3)).clip(0, 255).astype(np.uint8)
    for left, colour in ((21, (220, 20, 20)), (50, (20, 60, 220)), (90, (240, 210, 10))):
        image[20:32, left : left + 3] = colour
    return image


def jpeg(image: np.ndarray, quality: int = 90, mode: str = "RGB", **more: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).convert(mode).save(buffer, "JPEG", quality=quality, **more)
    return buffer.getvalue()


def as_pillow_shows(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def psnr_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((found.astype(float) - wanted) ** 2).mean()))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [50, 95])
def test_a_jpeg_is_what_libjpeg_makes_of_it(subsampling: int, quality: int) -> None:
    data = jpeg(room(), quality, subsampling=subsampling)
    picture = JpegUnpacker().unpack(data)
    assert picture is not None
    assert picture.shape == (120, 160, 3)
    found, wanted = picture.thinned(1), as_pillow_shows(data)
    assert np.abs(found - wanted).max() <= 6
    assert psnr_db(found, wanted) > 50
    assert np.array_equal(picture.thinned(4), found[::4, ::4])


def test_uneven_sides_are_right_or_left_to_others() -> None:
    data, unpacker = jpeg(room(37, 51), subsampling=0), JpegUnpacker()
    picture = unpacker.unpack(data)
    assert picture is not None
    assert psnr_db(picture.thinned(1), as_pillow_shows(data)) > 50
    assert unpacker.unpack(jpeg(room(37, 51), subsampling=2)) is None
    assert unpacker.unpack(jpeg(room(37, 50), subsampling=2)) is None


def test_progressive_jpegs_come_out_the_same() -> None:
    data = jpeg(room(), progressive=True)
    picture = JpegUnpacker().unpack(data)
    assert picture is not None
    assert psnr_db(picture.thinned(1), as_pillow_shows(data)) > 50


def test_what_is_damaged_or_no_colour_jpeg_gives_none() -> None:
    data, unpacker = jpeg(room()), JpegUnpacker()
    start = data.index(b"\xff\xda")  # where the tables end and the pixels begin
    png = io.BytesIO()
    Image.fromarray(room()).save(png, "PNG")
    wrong = {
        "cut off": data[: len(data) // 2] + b"\xff\xd9",
        "zeros within": data[: start + 400] + bytes(300) + data[start + 700 :],
        "no pixels": data[:start] + b"\xff\xd9",
        "nothing": b"\xff\xd8\xff\xd9",
        "grey": jpeg(room(), mode="L"),
        "four colours": jpeg(room(), mode="CMYK"),
        "a PNG": png.getvalue(),
    }
    assert unpacker.unpack(data) is not None
    assert [name for name, part in wrong.items() if unpacker.unpack(part) is not None] == []


def test_tables_are_not_taken_from_the_picture_before() -> None:
    data, unpacker = jpeg(room()), JpegUnpacker()
    assert unpacker.unpack(data) is not None
    tables = data.index(b"\xff\xdb")
    rest = data.index(b"\xff\xc0")
    assert unpacker.unpack(data[:tables] + data[rest:]) is None


def test_its_video_and_statistics_are_those_of_the_picture(tmp_path: Path) -> None:
    data = jpeg(room())
    wanted = as_pillow_shows(data)
    picture = JpegUnpacker().unpack(data)
    assert picture is not None
    settings, histogram = VideoSettings(), ImageHistogram()
    writer = VideoWriter(tmp_path / "a.mp4", 160, 120, 10, settings)
    writer.add(picture)
    histogram.offer(picture)
    writer.close()
    of_rgb = VideoWriter(tmp_path / "b.mp4", 160, 120, 10, settings)
    of_rgb.add(wanted.astype(np.uint8))
    of_rgb.close()
    shown, shown_of_rgb = (
        psnr_db(next(decode_video(tmp_path / name)), wanted) for name in ("a.mp4", "b.mp4")
    )
    assert shown > shown_of_rgb - 0.5
    reference = ImageHistogram()
    reference.offer(wanted.astype(np.uint8))
    found = histogram.stats()
    for name, value in reference.stats().items():
        assert np.abs(found[name] - value).max() <= 6 / 255


def test_another_size_than_the_videos_is_refused(tmp_path: Path) -> None:
    picture = JpegUnpacker().unpack(jpeg(room()))
    assert picture is not None
    writer = VideoWriter(tmp_path / "a.mp4", 64, 48, 10, VideoSettings())
    with pytest.raises(DatasetError, match=r"\(120, 160, 3\) uint8', expected \(48, 64"):
        writer.add(picture)
    writer.close()
