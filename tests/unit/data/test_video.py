"""Video files: what goes in comes out, tiny saturated bricks included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.data.video import VideoSettings, VideoWriter, decode_video, video_facts


def bricks(count: int) -> np.ndarray:
    """(count, 48, 64, 3): a grey ramp with 3 px bricks that move."""
    frames = np.zeros((count, 48, 64, 3), np.uint8)
    frames[...] = np.linspace(60, 180, 64, dtype=np.uint8)[None, None, :, None]
    for tick, frame in enumerate(frames):
        for place, colour in enumerate(((220, 20, 20), (20, 60, 220), (240, 210, 10))):
            left = (7 + 17 * place + tick) % 61
            frame[20 + place : 23 + place, left : left + 3] = colour
    return frames


def write(path: Path, frames: np.ndarray, settings: VideoSettings) -> None:
    writer = VideoWriter(path, frames.shape[2], frames.shape[1], 10, settings)
    for frame in frames:
        writer.add(frame)
    writer.close()


def brick_psnr_db(path: Path, frames: np.ndarray) -> float:
    back = np.stack(list(decode_video(path)))
    seen = np.ptp(frames, axis=3) > 50
    error = (back[seen].astype(float) - frames[seen]) ** 2
    return float(10 * np.log10(255**2 / error.mean()))


def test_a_brick_of_three_pixels_keeps_its_colour(tmp_path: Path) -> None:
    frames = bricks(30)
    write(tmp_path / "full.mp4", frames, VideoSettings())
    write(tmp_path / "half.mp4", frames, VideoSettings(pix_fmt="yuv420p"))
    assert brick_psnr_db(tmp_path / "full.mp4", frames) > 35
    assert brick_psnr_db(tmp_path / "half.mp4", frames) < 25  # why 4:4:4 is the default


def test_any_stretch_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, bricks(25), VideoSettings(gop=10))
    whole = list(decode_video(path))
    assert len(whole) == 25
    for first in range(25):
        part = list(decode_video(path, first=first, count=4))
        assert len(part) == min(4, 25 - first)
        assert all(np.array_equal(a, b) for a, b in zip(part, whole[first:], strict=False))


def test_facts_come_from_the_index(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, bricks(7), VideoSettings())
    facts = video_facts(path)
    assert (facts.frames, facts.width, facts.height, facts.fps) == (7, 64, 48, 10.0)
    assert (facts.codec, facts.pix_fmt) == ("h264", "yuv444p")


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path / name, bricks(12), VideoSettings())
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("keep", [0, 40, 500, 0.6])
def test_a_truncated_file_is_named(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "cut.mp4"
    write(path, bricks(20), VideoSettings())
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else int(keep)])
    with pytest.raises(DatasetError, match=r"cut\.mp4"):
        list(decode_video(path))
    with pytest.raises(DatasetError, match=r"cut\.mp4"):
        video_facts(path)


def test_odd_sizes_are_refused_only_where_they_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="even width"):
        VideoWriter(tmp_path / "a.mp4", 33, 24, 10, VideoSettings(pix_fmt="yuv420p"))
    odd = bricks(3)[:, :47, :63]
    write(tmp_path / "b.mp4", odd, VideoSettings())
    assert np.stack(list(decode_video(tmp_path / "b.mp4"))).shape == odd.shape


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", 64, 48, 10, VideoSettings())
    with pytest.raises(DatasetError, match=r"\(48, 64, 3\)"):
        writer.add(np.zeros((48, 63, 3), np.uint8))
    writer.close()
