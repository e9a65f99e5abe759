"""Video codecs, tried: a few frames are encoded and read back."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from loopyard.surface.checkup.finding import Finding

FRAMES = 3
SIZE_PX = 64
MOST_ERROR = 40
"""Mean distance of 255 by which a plain frame may come back off."""
CODECS = {"h264": ("libx264",), "av1": ("libsvtav1", "libaom-av1")}
"""The encoders to try. Datasets are written as H.264; LeRobot's own recorder writes AV1."""
REINSTALL = "pip install --force-reinstall -c constraints.txt av"


def check_codecs() -> Finding:
    """H.264 must work; AV1 is only needed for recordings of others."""
    found = {name: try_codec(encoders) for name, encoders in CODECS.items()}
    said = ", ".join(f"{name} {error or 'works'}" for name, error in found.items())
    if found["h264"]:
        advice = f"no dataset can be written: {REINSTALL}"
        return Finding("codecs", "fail", said, advice)
    if found["av1"]:
        advice = f"datasets that LeRobot recorded may not open: {REINSTALL}"
        return Finding("codecs", "warn", said, advice)
    return Finding("codecs", "ok", f"{said} (encoded and decoded)")


def try_codec(encoders: Sequence[str]) -> str:
    """What is wrong with the first encoder that is there and with its decoder; empty: nothing."""
    try:
        import av

        there = [name for name in encoders if name in av.codecs_available]
    except Exception as error:  # a library that does not load says so in its own way
        return f"does not load: {error}"
    if not there:
        return f"has no encoder ({' or '.join(encoders)})"
    try:
        with _svt_keeps_silent():
            off = _round_trip(there[0])
    except Exception as error:
        return f"fails: {type(error).__name__}: {error}"
    return "" if off <= MOST_ERROR else f"comes back wrong, by {off:.0f} of 255"


@contextmanager
def _svt_keeps_silent() -> Iterator[None]:
    """The AV1 encoder tells its settings on standard error unless it is to name errors alone."""
    before = os.environ.get("SVT_LOG")
    os.environ["SVT_LOG"] = "1"
    try:
        yield
    finally:
        del os.environ["SVT_LOG"]
        if before is not None:
            os.environ["SVT_LOG"] = before


def _round_trip(encoder: str) -> float:
    """Mean error of plain frames, in levels; infinity where frames are missing."""
    import av
    import numpy as np

    levels = [40, 120, 200]
    stream_bytes = io.BytesIO()
    with av.open(stream_bytes, "w", format="mp4") as container:
        stream = container.add_stream(encoder, rate=10)
        stream.width = stream.height = SIZE_PX  # type: ignore[attr-defined]
        stream.pix_fmt = "yuv420p"  # type: ignore[attr-defined]
        for level in levels:
            picture = np.full((SIZE_PX, SIZE_PX, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))  # type: ignore[attr-defined]
        container.mux(stream.encode(None))  # type: ignore[attr-defined]
    stream_bytes.seek(0)
    with av.open(stream_bytes, "r") as reader:
        means = [frame.to_ndarray(format="rgb24").mean() for frame in reader.decode(video=0)]
    if len(means) != len(levels):
        return float("inf")
    return float(np.abs(np.array(means) - levels).mean())
