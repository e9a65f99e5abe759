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
    """folder to write to; empty, or an export of the same dataset to go on with"""


def run(options: Options, console: Console) -> int:
    """Export every episode."""
    from loopyard.data.dataset import open_dataset
    from loopyard.data.exporters import export_dataset

    dataset = open_dataset(options.dataset)
    with console.progress(dataset.num_episodes, "episodes", "export") as progress:
        export_dataset(options.format, dataset, options.out, lambda _: progress.advance())
    facts = {
        "out": str(options.out),
        "episodes": dataset.num_episodes,
        "frames": dataset.num_frames,
    }
    console.result(
        facts, f"{dataset.num_episodes} episodes, {dataset.num_frames} frames in {options.out}"
    )
    return 0
