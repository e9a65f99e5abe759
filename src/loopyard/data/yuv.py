"""Pictures as a video keeps them: what is YUV already need not become RGB in between."""

from __future__ import annotations

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from loopyard.data.video import MAX_PIXELS, ONE_THREAD

WHOLE_CHROMA = "yuvj444p"
HALF_CHROMA = {"yuvj420p", "yuvj422p"}
"""Made full by FFmpeg as by libjpeg where the sides are even; otherwise FFmpeg stretches it."""
FRAME_STARTS = {0xC0, 0xC1, 0xC2}
QUANTISATION, SCAN = 0xDB, 0xDA


class YuvPicture:
    """A picture in three planes of full resolution (yuv444p), BT.601 and limited range.

    frame: must be that; `VideoWriter` takes it as it is. shape: (height, width, 3), as of RGB.
    to_rgb: one for many pictures, whose making takes longer than its work.
    """

    def __init__(self, frame: av.VideoFrame, to_rgb: VideoReformatter | None = None) -> None:
        self.frame, self._to_rgb = frame, to_rgb or VideoReformatter()
        self.shape = (frame.height, frame.width, 3)

    def thinned(self, step: int) -> np.ndarray:
        """Every ``step``-th pixel of every ``step``-th row, (h, w, 3) uint8 RGB: what a reader of
        the video would see if nothing were lost in it."""
        height, width, _ = self.shape
        planes = [
            np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)[
                ::step, :width:step
            ]
            for plane in self.frame.planes
        ]
        small = av.VideoFrame.from_ndarray(np.stack(planes), format="yuv444p")
        small.colorspace, small.color_range = self.frame.colorspace, self.frame.color_range
        return self._to_rgb.reformat(small, format="rgb24", **ONE_THREAD).to_ndarray()


class JpegUnpacker:
    """JPEG to `YuvPicture` without a detour through RGB.

    Of each colour it is within a few of 255 levels of libjpeg's, 54 dB PSNR and more.
    """

    def __init__(self) -> None:
        self._to_yuv, self._to_rgb = VideoReformatter(), VideoReformatter()

    def unpack(self, data: bytes) -> YuvPicture | None:
        """The picture; None where this is not the way to it, and an image library has to say.

        That is what is damaged, grey, of another colour space, too large, or of uneven sides and
        half the chroma; and all with a PyAV older than 17, which puts such chroma half a pixel
        aside.
        """
        picture = self._decoded(data) if ONE_THREAD and _has_its_tables(data) else None
        return None if picture is None else self._converted(picture)

    def _decoded(self, data: bytes) -> av.VideoFrame | None:
        try:
            # each by a decoder of its own: one that is kept would lend it tables of those before
            decoder = av.CodecContext.create("mjpeg", "r")
            decoder.options = {"err_detect": "explode", "max_pixels": str(MAX_PIXELS)}
            decoder.thread_count = 1
            found = decoder.decode(av.Packet(data))
        except (av.error.FFmpegError, ValueError, MemoryError):
            return None
        if len(found) != 1 or not isinstance(found[0], av.VideoFrame):
            return None
        picture = found[0]
        even = picture.width % 2 == picture.height % 2 == 0
        kind = picture.format.name
        good = kind == WHOLE_CHROMA or (kind in HALF_CHROMA and even)
        return picture if good and picture.color_range == ColorRange.JPEG else None

    def _converted(self, picture: av.VideoFrame) -> YuvPicture:
        planes = self._to_yuv.reformat(
            picture,
            format="yuv444p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            **ONE_THREAD,
        )
        return YuvPicture(planes, self._to_rgb)


def _has_its_tables(data: bytes) -> bool:
    """Whether a scan follows, and tables for each colour before it: FFmpeg does without."""
    place, tables, needed = 2, set[int](), set[int]()
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker, end = data[place + 1], place + 2 + int.from_bytes(data[place + 2 : place + 4])
        part = data[place + 4 : end]
        if marker == SCAN:
            return bool(needed) and needed <= tables
        if marker == QUANTISATION:
            while part:
                tables.add(part[0] & 15)
                part = part[1 + (128 if part[0] >> 4 else 64) :]
        elif marker in FRAME_STARTS:
            needed.update(part[8::3])
        place = end
    return False
