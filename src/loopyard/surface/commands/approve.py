"""Answer a change of configuration that a campaign with `approve: manual` waits with.

Example: loopyard approve runs/demo
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """Which campaign, and what the answer is."""

    run: Annotated[Path, tyro.conf.Positional]
    """the run folder"""
    no: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """go on without the change"""


def run(options: Options, console: Console) -> int:
    """0 answered; wrong use where nothing waits."""
    from loopyard.core.clock import SystemClock
    from loopyard.cycle.messages.approval import answer

    question = answer(options.run, yes=not options.no, now_s=SystemClock().wall())
    said = "no" if options.no else "yes"
    console.result({"question": question.name, "answer": said}, f"{said}: {question.text}")
    return 0
