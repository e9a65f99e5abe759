"""Write a dataset in the form of another system: MP4 and JSON lines, LeRobot v3.0, robomimic HDF5.

Example: loopyard export raw data/starter out/starter-raw
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """From where, to where."""

    format: Annotated[str, tyro.conf.Positional]
    """raw, lerobot or robomimic"""
    dataset: Annotated[Path, tyro.conf.Positional]
    """folder of a LeRobot v3.0 dataset"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder to write to; empty, or an export of the same dataset to go on with. For robomimic the
    file itself may be named"""
    episodes: str | None = None
    """some of them, by index: 0:50, or 3,7,12"""


def run(options: Options, console: Console) -> int:
    """Export every episode."""
    from loopyard.data.dataset import open_dataset
    from loopyard.data.exporters import export_dataset

    dataset = open_dataset(options.dataset)
    chosen = chosen_episodes(options.episodes, dataset.num_episodes)
    entries = [e for e in dataset.episodes if chosen is None or e.index in chosen]
    with console.progress(len(entries), "episodes", "export") as progress:
        out = export_dataset(
            options.format, dataset, options.out, lambda _: progress.advance(), chosen
        )
    frames = sum(entry.length for entry in entries)
    facts = {"out": str(out), "episodes": len(entries), "frames": frames}
    console.result(facts, f"{len(entries)} episodes, {frames} frames in {out}")
    return 0


def chosen_episodes(text: str | None, count: int | None = None) -> list[int] | None:
    """The indices that ``0:50`` or ``3,7,12`` names; None for None.

    count: how many episodes there are, where that is known: an open end reaches to it.

    Raises:
        ConfigError: it is neither.
    """
    from loopyard.core.errors import ConfigError, expected

    if text is None:
        return None
    try:
        if ":" in text:
            first, last = text.split(":")
            return list(range(int(first or 0), int(last or str(count))))
        return [int(part) for part in text.split(",")]
    except ValueError:
        wanted = "FIRST:END or numbers with commas between"
        raise ConfigError(expected("", "--episodes", text, wanted)) from None
