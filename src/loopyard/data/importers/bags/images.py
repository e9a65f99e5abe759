"""The picture in a message, raw or compressed, as RGB."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.data.video import MAX_PIXELS

RAW = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
KINDS = (RAW, COMPRESSED)
CHANNELS = {
    "rgb8": (0, 1, 2),
    "bgr8": (2, 1, 0),
    "rgba8": (0, 1, 2),
    "bgra8": (2, 1, 0),
    "mono8": (0, 0, 0),
}
"""Which byte of a pixel is red, green and blue."""
BYTES = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
FORMATS = ("JPEG", "PNG")


def picture(where: str, topic: str, kind: str, body: Any) -> np.ndarray:
    """(H, W, 3) uint8 RGB. Transparency is dropped; a grey picture has three equal channels.

    Raises:
        DatasetError: an encoding that is not understood (16 bits, Bayer, depth), or a damaged one.
    """
    return _raw(where, topic, body) if kind == RAW else _compressed(where, topic, body)


def _raw(where: str, topic: str, body: Any) -> np.ndarray:
    encoding = str(body.encoding).lower()
    if encoding not in CHANNELS:
        raise DatasetError(
            expected(where, f"{topic}: encoding", body.encoding, f"one of {sorted(CHANNELS)}")
        )
    height, width, step = int(body.height), int(body.width), int(body.step)
    _require_size(where, topic, width, height)
    pixel = BYTES[encoding]
    data = np.asarray(body.data, np.uint8)
    if step < width * pixel or data.size < step * height:
        raise DatasetError(
            expected(
                where,
                f"{topic}: data",
                f"{data.size} bytes in rows of {step}",
                f"{height} rows of at least {width * pixel}",
            )
        )
    rows = data[: step * height].reshape(height, step)[:, : width * pixel]
    return np.ascontiguousarray(rows.reshape(height, width, pixel)[..., list(CHANNELS[encoding])])


def _compressed(where: str, topic: str, body: Any) -> np.ndarray:
    return decode_picture(f"{where}: {topic}", bytes(body.data))


def decode_picture(where: str, data: bytes) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a JPEG or PNG file's bytes.

    Raises:
        DatasetError: another format, more than 8 bits a channel, too large, or damaged.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _require_size(where, "size", *image.size)
            if image.mode.startswith(("I", "F")):
                raise DatasetError(expected(where, "depth", image.mode, "8 bits a channel"))
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DatasetError(expected(where, "picture", str(error), "a JPEG or PNG")) from error


def _require_size(where: str, topic: str, width: int, height: int) -> None:
    if not 0 < width * height <= MAX_PIXELS:
        raise DatasetError(
            expected(where, f"{topic}: size", f"{width} x {height}", f"at most {MAX_PIXELS} pixels")
        )
