"""The frame cache: decoded once, equal to the video, made anew when it may be damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import DatasetError
from loopyard.data import cache
from loopyard.data.builder import DatasetBuilder
from loopyard.data.cache import FrameCache
from loopyard.data.dataset import Dataset


def folders(dataset: Dataset) -> list[Path]:
    return sorted((dataset.root / ".cache").iterdir())


def test_frames_are_the_videos(dataset: Dataset) -> None:
    frames = FrameCache.open(dataset)["ego"]
    assert (frames.shape, frames.dtype) == ((56, 24, 32, 3), np.uint8)
    for entry in dataset.episodes:
        part = frames[entry.from_index : entry.to_index]
        assert np.array_equal(part, dataset.decode("ego", entry.index))
    with pytest.raises(ValueError, match="read-only"):
        frames[0] = 0


def test_built_once(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FrameCache.open(dataset)["ego"]
    monkeypatch.setattr(cache, "_decode_all", None)  # to call it again would fail
    assert np.array_equal(FrameCache.open(dataset)["ego"], first)


def test_scaled_frames_have_a_cache_of_their_own(dataset: Dataset) -> None:
    small = FrameCache.open(dataset, ["ego"], (12, 16))["ego"]
    assert small.shape == (56, 12, 16, 3)
    assert FrameCache.open(dataset)["ego"].shape == (56, 24, 32, 3)
    assert len(folders(dataset)) == 2
    assert small[0, 11, 8].tolist() == pytest.approx([150, 110, 70], abs=6)


def test_workers_do_not_change_it(dataset: Dataset) -> None:
    one = np.array(FrameCache.open(dataset, workers=1)["ego"])
    for path in folders(dataset):
        (path / "ready.json").unlink()
    assert np.array_equal(FrameCache.open(dataset, workers=3)["ego"], one)


def test_after_another_boot_it_is_made_anew(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FrameCache.open(dataset)
    torn = folders(dataset)[0] / "frames.rgb"
    torn.write_bytes(b"\0" * torn.stat().st_size)
    other = tmp_path / "boot_id"
    other.write_text("another boot")
    monkeypatch.setattr(cache, "BOOT_ID", other)
    assert FrameCache.open(dataset)["ego"][0].max() > 100


def test_a_short_file_is_made_anew(dataset: Dataset) -> None:
    FrameCache.open(dataset)
    path = folders(dataset)[0] / "frames.rgb"
    path.write_bytes(path.read_bytes()[:100])
    assert FrameCache.open(dataset)["ego"][55].max() > 100


def test_a_damaged_video_leaves_no_cache(dataset: Dataset) -> None:
    path = dataset.episodes[1].videos["observation.images.ego"].path
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DatasetError, match=path.name):
        FrameCache.open(dataset)
    assert folders(dataset) == []


def test_an_unknown_camera_is_named(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="'front'"):
        FrameCache.open(dataset, ["front"])


def test_a_new_seal_drops_the_old_cache(tmp_path: Path, spec, record) -> None:
    builder = DatasetBuilder(tmp_path, spec)
    record(builder, 0)
    FrameCache.open(builder.seal())
    record(builder, 1)
    dataset = builder.seal()
    assert FrameCache.open(dataset)["ego"].shape[0] == 24
    assert len(folders(dataset)) == 1
