"""What encoding alone costs, in a module that workers can import."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
from PIL import Image

from loopyard.data.stats import ImageHistogram
from loopyard.data.video import VideoSettings, VideoWriter

WIDTH, HEIGHT, FPS = 640, 480, 50
KINDS = 20
"""Different pictures, one after another."""


def picture(number: int) -> np.ndarray:
    """(480, 640, 3) uint8: a room with noise in it, so that neither JPEG nor H.264 is for free."""
    rng = np.random.default_rng(number)
    across = np.linspace(40, 200, WIDTH)[None, :, None]
    image = (
        across + np.linspace(-30, 30, HEIGHT)[:, None, None] + rng.normal(0, 4, (HEIGHT, WIDTH, 1))
    )
    left = 8 * number
    image = np.broadcast_to(image, (HEIGHT, WIDTH, 3)).copy()
    image[200:300, left : left + 120] = (220, 60, 30)
    return image.clip(0, 255).astype(np.uint8)


def jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=50)  # as ACT's record_episodes
    return buffer.getvalue()


class Encoding:
    """Encodes one episode's RGB pictures from memory; gives its seconds, of the clock and of the
    processor. compress: they are what JPEG leaves of them, which is less to encode."""

    def __init__(self, folder: Path, frames: int, cameras: int, compress: bool) -> None:
        self.folder, self.frames, self.cameras = folder, frames, cameras
        self.pictures = [picture(number) for number in range(KINDS)]
        if compress:
            files = map(jpeg, self.pictures)
            self.pictures = [np.asarray(Image.open(io.BytesIO(file))) for file in files]

    def __call__(self, episode: int) -> tuple[float, float]:
        begin_s, begin_cpu_s = time.monotonic(), time.process_time()
        paths = [self.folder / f"{episode}-{camera}.mp4" for camera in range(self.cameras)]
        writers = [VideoWriter(path, WIDTH, HEIGHT, FPS, VideoSettings()) for path in paths]
        histograms = [ImageHistogram() for _ in writers]
        for frame in range(self.frames):
            for writer, histogram in zip(writers, histograms, strict=True):
                writer.add(self.pictures[frame % KINDS])
                histogram.offer(self.pictures[frame % KINDS])
        for writer in writers:
            writer.close()
        return time.monotonic() - begin_s, time.process_time() - begin_cpu_s
