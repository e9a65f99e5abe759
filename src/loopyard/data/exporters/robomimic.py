"""A dataset as one HDF5 file that robomimic trains on."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.dataset import Dataset, DatasetEpisode
from loopyard.data.importers.hdf5.file import require_h5py
from loopyard.store.atomic import fsync_path
from loopyard.store.space import naming_full_disk

if TYPE_CHECKING:
    import h5py

FILE = "demo.hdf5"
GYM_TYPE = 2
"""robomimic's EnvType of a Gymnasium environment."""


def export_robomimic(
    dataset: Dataset,
    out: Path,
    on_episode: Callable[[int], None] | None = None,
    episodes: Sequence[int] | None = None,
) -> Path:
    """Write ``out/demo.hdf5``, or ``out`` itself where it ends in .hdf5 or .h5.

    data/demo_<i> with actions, rewards (1 at the end of a success), dones, obs/state and
    obs/<camera>, losslessly packed as they are decoded. The WorldSpec stands beside env_args, so
    that the file comes back with the same names and limits. What drove beside the labels, phases
    and expert chunks have no place there. The file appears whole or not at all.

    Raises:
        ConfigError: h5py is not installed. DatasetError: the file is there already, or the
            dataset is damaged.
    """
    h5py = require_h5py()
    path = Path(out) if Path(out).suffix in (".hdf5", ".h5") else Path(out) / FILE
    if path.exists():
        raise DatasetError(expected(str(path), "file", "one already", "none"))
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    chosen = range(dataset.num_episodes) if episodes is None else episodes
    try:
        with naming_full_disk(path):
            with h5py.File(staging, "w") as file:
                data = file.create_group("data")
                for number, index in enumerate(chosen):
                    _write_demo(data, number, dataset, dataset.episodes[index])
                    if on_episode is not None:
                        on_episode(index)
                _describe(data, dataset, sum(dataset.episodes[index].length for index in chosen))
            fsync_path(staging)
            os.rename(staging, path)
            fsync_path(path.parent)
    finally:
        staging.unlink(missing_ok=True)
    return path


def _describe(data: h5py.Group, dataset: Dataset, frames: int) -> None:
    spec = dataset.spec
    data.attrs["total"] = frames
    data.attrs["env_args"] = json.dumps(
        {
            "env_name": spec.world,
            "type": GYM_TYPE,
            "env_kwargs": {"preset": spec.preset, "control_freq": spec.fps},
        }
    )
    data.attrs["loopyard"] = json.dumps({"world": spec.to_dict(), "digest": dataset.digest})


def _write_demo(data: h5py.Group, number: int, dataset: Dataset, entry: DatasetEpisode) -> None:
    span = slice(entry.from_index, entry.to_index)
    demo = data.create_group(f"demo_{number}")
    demo.attrs["num_samples"] = entry.length
    demo.attrs["task"] = entry.task
    demo["actions"] = dataset.column(ACTION_KEY)[span]
    if dataset.spec.state.size:
        demo["obs/state"] = dataset.column(STATE_KEY)[span]
    last = np.zeros(entry.length, np.float32)
    last[-1] = 1.0
    demo["dones"] = last.astype(np.int64)
    if entry.outcome is not None:
        demo["rewards"] = last * entry.outcome.success
    for camera in dataset.spec.cameras:
        shape = (camera.height, camera.width, 3)
        images = demo.create_dataset(
            f"obs/{camera.name}",
            (entry.length, *shape),
            np.uint8,
            chunks=(1, *shape),
            compression="gzip",
            compression_opts=1,
        )
        for frame, image in enumerate(dataset.frames(camera.key, entry.index)):
            images[frame] = image
