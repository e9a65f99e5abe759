"""A dataset, or some of its episodes, as a LeRobot v3.0 folder with nothing else in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from loopyard.data.dataset import Dataset
from loopyard.data.importers.run import import_recordings
from loopyard.executors.local import LocalExecutor


def export_lerobot(
    dataset: Dataset,
    out: Path,
    on_episode: Callable[[int], None] | None = None,
    episodes: Sequence[int] | None = None,
) -> Path:
    """The way in, taken once more: videos of one episode are copied as they are, indices and
    statistics are made anew, failed drives and recording files stay behind.

    Raises:
        DatasetError: ``out`` holds something else, or the dataset is damaged.
    """
    import_recordings(
        "lerobot",
        dataset.root,
        out,
        LocalExecutor(0),
        only=episodes,
        on_episode=None if on_episode is None else lambda row: on_episode(row.slot),
    )
    shutil.rmtree(Path(out) / ".shards", ignore_errors=True)
    return Path(out)
