"""Write a vla checkpoint's LoRA adapters as a folder that peft's PeftModel.from_pretrained loads.

Example: loopyard export adapters runs/vla/best out/adapters
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
    """a checkpoint folder of type vla, mode lora"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder to make"""


def run(options: Options, console: Console) -> int:
    """Export them, or say why there are none."""
    from loopyard.policies.vla.merge import export_adapters

    layers = export_adapters(options.checkpoint, options.out)
    console.result(
        {"out": str(options.out), "layers": layers},
        f"{options.out}: adapters of {layers} layers, for peft; the head stays in the checkpoint",
    )
    return 0
