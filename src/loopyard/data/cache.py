"""FrameCache: every frame of a dataset decoded once, kept as plain arrays that training maps.

Training reads frames in random order, epoch after epoch; decoding H.264 each time would cost more
than the network. The files are large and can always be made again, so they are not forced to the
disk: a cache says in which boot of the machine it was written, and after another boot (a power cut
may have taken pages of it) it is made anew.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import CameraSpec
from loopyard.data.dataset import Dataset
from loopyard.data.scaling import scaled_frame
from loopyard.store.space import naming_full_disk, require_space

CACHE_SCHEMA = 1
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
READY_FILE = "ready.json"
FRAMES = "frames.rgb"


class FrameCache(dict[str, np.ndarray]):
    """{camera name: (N, H, W, 3) uint8, read-only, mapped}; frame i is row i of the data."""

    @classmethod
    def open(
        cls,
        dataset: Dataset,
        cameras: list[str] | None = None,
        size: tuple[int, int] | None = None,
        workers: int = 2,
        on_episode: Callable[[int], None] | None = None,
    ) -> FrameCache:
        """Map the cache, and build it first where it is not there.

        Args:
            cameras: names; all of them if None. size: (height, width) to scale to, or as recorded.
            workers: decoding threads (the decoder leaves Python's lock).
            on_episode: called with the number of episodes decoded so far in each camera's build.

        Raises:
            DatasetError: no such camera, or a damaged video. NoSpaceError: it does not fit.
        """
        cache = cls()
        for camera in _chosen(dataset, cameras):
            cache[camera.name] = _open_camera(dataset, camera, size, workers, on_episode)
        return cache


def _chosen(dataset: Dataset, names: list[str] | None) -> list[CameraSpec]:
    known = {camera.name: camera for camera in dataset.spec.cameras}
    for name in names or ():
        if name not in known:
            raise DatasetError(expected(str(dataset.root), "camera", name, sorted(known)))
    return [known[name] for name in (known if names is None else names)]


def _open_camera(
    dataset: Dataset,
    camera: CameraSpec,
    size: tuple[int, int] | None,
    workers: int,
    on_episode: Callable[[int], None] | None,
) -> np.ndarray:
    height, width = size or (camera.height, camera.width)
    shape = (dataset.num_frames, height, width, 3)
    parent = dataset.root / ".cache"
    scale = None if (height, width) == (camera.height, camera.width) else (height, width)
    _drop_stale(parent, dataset.digest[:16])
    return mapped_array(
        parent / f"{dataset.digest[:16]}-{camera.name}-{height}x{width}",
        FRAMES,
        np.dtype(np.uint8),
        shape,
        lambda frames: _decode_all(dataset, camera.key, frames, scale, workers, on_episode),
    )


def mapped_array(
    final: Path,
    name: str,
    dtype: np.dtype,
    shape: tuple[int, ...],
    fill: Callable[[np.ndarray], None],
) -> np.ndarray:
    """The array in the file ``name`` of the folder ``final``, read-only; filled where not there.

    Raises:
        NoSpaceError: the disk does not hold it.
    """
    if not _ready(final, name):
        require_space(final.parent, int(np.prod(shape)) * dtype.itemsize, f"the cache {final.name}")
        with _staging(final, name) as folder, naming_full_disk(final):
            array = np.memmap(folder / name, dtype, "w+", shape=shape)
            fill(array)
            del array
    return np.memmap(final / name, dtype, "r", shape=shape)


def _boot_id() -> str:
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def _ready(folder: Path, name: str) -> bool:
    try:
        facts = json.loads((folder / READY_FILE).read_text())
        size = (folder / name).stat().st_size
    except (OSError, ValueError):
        return False
    return facts == {"schema": CACHE_SCHEMA, "boot": _boot_id(), "bytes": size}


def _drop_stale(parent: Path, digest: str) -> None:
    """Caches of what this dataset was before it was sealed again."""
    for folder in parent.glob("*") if parent.is_dir() else ():
        if not folder.name.startswith((digest, ".")):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _staging(final: Path, name: str) -> Iterator[Path]:
    """A folder to fill that becomes ``final`` at once; of two builders at a time the last wins."""
    folder = final.with_name(f".{final.name}.{os.getpid()}-{threading.get_ident()}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
        facts = {
            "schema": CACHE_SCHEMA,
            "boot": _boot_id(),
            "bytes": (folder / name).stat().st_size,
        }
        (folder / READY_FILE).write_text(json.dumps(facts))
        if final.exists():
            shutil.rmtree(final)
        os.rename(folder, final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _decode_all(
    dataset: Dataset,
    key: str,
    frames: np.ndarray,
    size: tuple[int, int] | None,
    workers: int,
    on_episode: Callable[[int], None] | None,
) -> None:
    stop = threading.Event()

    def decode(episode: int) -> None:
        entry = dataset.episodes[episode]
        for index, frame in enumerate(dataset.frames(key, episode), entry.from_index):
            if stop.is_set():
                return
            if size is not None:
                frame = scaled_frame(frame, size)
            if frame.shape != frames.shape[1:]:
                where = str(entry.videos[key].path)
                raise DatasetError(expected(where, "frame size", frame.shape, frames.shape[1:]))
            frames[index] = frame
        if on_episode is not None:
            on_episode(episode)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        jobs = [pool.submit(decode, episode) for episode in range(dataset.num_episodes)]
        try:
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            for job in done:
                job.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
