"""Read recordings of one MP4 a camera, actions.jsonl and metadata.json into a dataset.

Example: loopyard import raw recordings data/imported
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

    folder: Annotated[Path, tyro.conf.Positional]
    """folder that holds one folder an episode"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder of the dataset to make; run again to go on"""


def run(options: Options, console: Console) -> int:
    """Import every episode and seal the dataset."""
    from loopyard.data.raw import import_raw

    with console.progress(None, "episodes", "import") as progress:
        dataset = import_raw(options.folder, options.out, lambda _: progress.advance())
    facts = {
        "out": str(options.out),
        "episodes": dataset.num_episodes,
        "frames": dataset.num_frames,
        "digest": dataset.digest,
    }
    console.result(
        facts, f"{dataset.num_episodes} episodes, {dataset.num_frames} frames in {options.out}"
    )
    return 0
