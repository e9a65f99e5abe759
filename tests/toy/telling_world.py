"""A world that leaves a line for each drive, with the process that drives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from reach_world import ReachWorld


class TellingWorld(ReachWorld):
    """log: the file."""

    def __init__(self, log: str = "", **params: Any) -> None:
        super().__init__(sleep_s=0.05, **params)
        self.log = log

    def reset(self, **options: Any):
        with Path(self.log).open("a") as log:
            log.write(f"{os.getpid()}\n")
        return super().reset(**options)


def drives(log: Path) -> list[int]:
    """The process of each drive so far."""
    return [int(line) for line in log.read_text().split()]
