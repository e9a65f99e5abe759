"""Write an act checkpoint as a folder that LeRobot's ACTPolicy.from_pretrained loads.

Example: loopyard export lerobot-policy runs/act/best out/act-for-lerobot
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
    """a checkpoint folder of type act"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder to make"""


def run(options: Options, console: Console) -> int:
    """Export it, or say why LeRobot cannot compute the same."""
    from loopyard.policies.lerobot_export import export_policy

    config = export_policy(options.checkpoint, options.out).config
    facts = {
        "out": str(options.out),
        "type": config.type,
        "cameras": config.cameras,
        "chunk_size": config.chunk_size,
        "n_action_steps": config.n_action_steps,
    }
    console.result(
        facts,
        f"{options.out}: LeRobot's ACT, cameras {', '.join(config.cameras)}, "
        f"chunks of {config.chunk_size}",
    )
    return 0
