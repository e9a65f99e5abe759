"""Video files: frames in as they come, frames out as RGB.

Why 4:4:4: in an image of 96 x 96 a brick is three pixels wide. With chroma at half resolution
(yuv420p) a saturated brick came back at 15 dB PSNR; at full resolution (yuv444p) at 38 dB and
more, for a sixth more bytes and no more time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import av
import av.error
import av.video.reformatter
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.data.mp4_index import index_problem

if TYPE_CHECKING:
    from loopyard.data.yuv import YuvPicture

ENCODERS = {"h264": "libx264"}
ONE_THREAD: dict[str, Any] = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}
"""For a conversion to RGB. An older PyAV, which LeRobot pins, has one thread and no such option."""

BT601 = 6
"""AVCOL_SPC_SMPTE170M: the matrix that the RGB conversion uses, written into the stream."""
LIMITED_RANGE = 1
MAX_PIXELS = 4096 * 2304
"""A larger frame is taken for a damaged or hostile file: 17 of these, as many as a decoder may
keep, are half a GiB."""


class VideoSettings(BaseModel):
    """How frames are encoded.

    crf: x264's quality, lower is better; 16 keeps a 3 px brick above 40 dB. gop: frames between
    key frames; a reader that wants one frame decodes at most this many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: Literal["h264"] = "h264"
    preset: str = "ultrafast"
    crf: int = Field(default=16, ge=0, le=51)
    gop: int = Field(default=10, ge=1)
    pix_fmt: Literal["yuv444p", "yuv420p"] = "yuv444p"
    threads: int = Field(default=1, ge=1)


class VideoWriter:
    """Encodes frames into an MP4; holds no more than a few of them.

    Raises:
        ConfigError: the size does not fit the pixel format.
    """

    def __init__(
        self, path: Path, width: int, height: int, fps: int, settings: VideoSettings
    ) -> None:
        if settings.pix_fmt == "yuv420p" and (width % 2 or height % 2):
            raise ConfigError(
                expected(
                    "video",
                    "camera size",
                    f"{width} x {height}",
                    "an even width and height for pix_fmt yuv420p",
                )
            )
        self.frames = 0
        self._shape = (height, width, 3)
        self._container = av.open(str(path), "w", format="mp4")
        stream: Any = self._container.add_stream(ENCODERS[settings.codec], rate=Fraction(fps))
        stream.width, stream.height = width, height
        stream.pix_fmt = settings.pix_fmt
        stream.options = {"preset": settings.preset, "crf": str(settings.crf)}
        context = stream.codec_context
        context.gop_size = settings.gop
        context.thread_count = settings.threads
        context.max_b_frames = 0
        context.colorspace = BT601
        context.color_range = LIMITED_RANGE
        self._stream = stream

    def add(self, frame: np.ndarray | YuvPicture) -> None:
        """Encode the next frame, (height, width, 3) uint8 RGB or YUV already.

        An array may be reused by the caller afterwards, a `YuvPicture` may not.
        """
        kind = frame.dtype if isinstance(frame, np.ndarray) else np.dtype(np.uint8)
        if frame.shape != self._shape or kind != np.uint8:
            raise DatasetError(
                expected("video", "frame", f"{frame.shape} {kind}", f"{self._shape} uint8")
            )
        if isinstance(frame, np.ndarray):
            picture = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format="rgb24")
        else:
            picture = frame.frame
        picture.pts = self.frames
        self._container.mux(self._stream.encode(picture))
        self.frames += 1

    def close(self) -> None:
        """Write what is left and the index; before this the file cannot be read."""
        if self.frames:
            self._container.mux(self._stream.encode(None))
        self._container.close()


def decode_video(path: Path, *, first: int = 0, count: int | None = None) -> Iterator[np.ndarray]:
    """Frames ``first`` to ``first + count`` of a file as (H, W, 3) uint8 RGB, in order.

    Fewer frames come where the file has fewer.

    Raises:
        DatasetError: the file is missing, truncated or no video.
    """
    with _opened(path) as (container, stream):
        stream.codec_context.thread_count = 1
        stream.thread_type = "NONE"
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        yield from _pictures(path, container, stream, first, count)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """A file and its video stream.

    The format is fixed, because what bears this name may be a playlist that opens other files.
    """
    kind, found = index_problem(path)
    if kind:
        raise DatasetError(expected(str(path), "video", found, "a whole MP4 file"))
    try:
        limits: Any = [{"max_pixels": str(MAX_PIXELS)}]
        with av.open(str(path), format="mp4", stream_options=limits) as container:
            if not container.streams.video:
                raise DatasetError(expected(str(path), "streams", "no video stream", "one"))
            stream = container.streams.video[0]
            if stream.codec_context is None:  # then the stream has no width either
                raise DatasetError(expected(str(path), "codec", "an unknown one", "H.264 or AV1"))
            size = stream.width * stream.height
            if not 0 < size <= MAX_PIXELS:
                found = f"{stream.width} x {stream.height}"
                raise DatasetError(
                    expected(str(path), "frame size", found, f"at most {MAX_PIXELS} pixels")
                )
            yield container, stream
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise DatasetError(expected(str(path), "video", str(error), "a readable MP4")) from error


def _pictures(
    path: Path, container: Any, stream: Any, first: int, count: int | None
) -> Iterator[np.ndarray]:
    seconds_per_frame = 1 / stream.average_rate if stream.average_rate else Fraction(1, 10)
    if first:
        container.seek(int(first * seconds_per_frame / stream.time_base), stream=stream)
    given = 0
    reformatter = av.video.reformatter.VideoReformatter()
    size = (stream.width, stream.height)
    for picture in container.decode(stream):
        if (picture.width, picture.height) != size:
            found = f"{picture.width} x {picture.height}"
            raise DatasetError(expected(str(path), "frame size", found, "{} x {}".format(*size)))
        if picture.pts is None:
            raise DatasetError(expected(str(path), "frame time", None, "one of each frame"))
        index = round(picture.pts * stream.time_base / seconds_per_frame)
        if index < first:
            continue
        if count is not None and given >= count:
            return
        yield reformatter.reformat(picture, format="rgb24", **ONE_THREAD).to_ndarray()
        given += 1


@dataclass(frozen=True)
class VideoFacts:
    """What a file's index says of its video stream."""

    frames: int
    width: int
    height: int
    fps: float
    codec: str
    pix_fmt: str


def video_facts(path: Path) -> VideoFacts:
    """Read a file's index; nothing is decoded.

    Raises:
        DatasetError: the file is missing, truncated or no video.
    """
    with _opened(path) as (_, stream):
        return VideoFacts(
            stream.frames,
            stream.width,
            stream.height,
            float(stream.average_rate or 0),
            stream.codec_context.name,
            stream.pix_fmt or "",
        )
