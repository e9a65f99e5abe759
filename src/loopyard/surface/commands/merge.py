"""Put a vla checkpoint's adapters into its backbone: a checkpoint that stands alone.

Example: loopyard merge runs/vla/best runs/vla-merged
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

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """a checkpoint folder of type vla"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder to make"""


def run(options: Options, console: Console) -> int:
    """Merge it, or say what is missing."""
    from loopyard.policies.vla.merge import merge_checkpoint

    config = merge_checkpoint(options.checkpoint, options.out)
    size = sum(file.stat().st_size for file in options.out.glob("*.safetensors"))
    console.result(
        {"out": str(options.out), "backbone": config.backbone, "bytes": size},
        f"{options.out}: {config.backbone} with its adapters in it, {size / 1e6:.0f} MB; "
        "it needs no other folder",
    )
    return 0
