"""Exporters by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from loopyard.core.errors import ConfigError, expected
from loopyard.data.dataset import Dataset

FORMATS = ("lerobot", "raw", "robomimic")


def export_dataset(
    name: str,
    dataset: Dataset,
    out: Path,
    on_episode: Callable[[int], None] | None = None,
    episodes: Sequence[int] | None = None,
) -> Path:
    """Write a dataset to ``out`` in one of FORMATS; gives the folder or file that was written.

    Run again, it goes on where it stopped; robomimic's one file begins anew. episodes: these and
    no others, by index.

    Raises:
        ConfigError: no such form or episode. DatasetError: ``out`` holds something else, or the
            dataset is damaged.
    """
    if episodes is not None:
        wrong = [index for index in episodes if not 0 <= index < dataset.num_episodes]
        if wrong or not episodes:
            wanted = f"some of 0 to {dataset.num_episodes - 1}"
            raise ConfigError(expected("export", "--episodes", wrong, wanted))
        episodes = sorted(set(episodes))
    if name == "raw":
        from loopyard.data.exporters.raw import export_raw

        return export_raw(dataset, out, on_episode, episodes)
    if name == "robomimic":
        from loopyard.data.exporters.robomimic import export_robomimic

        return export_robomimic(dataset, out, on_episode, episodes)
    if name == "lerobot":
        from loopyard.data.exporters.lerobot import export_lerobot

        return export_lerobot(dataset, out, on_episode, episodes)
    raise ConfigError(expected("export", "format", name, f"one of {', '.join(FORMATS)}"))
