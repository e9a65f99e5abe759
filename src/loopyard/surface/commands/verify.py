"""Is a run folder whole? Every file is read and compared with what was written; 1 says no.

Example: loopyard verify runs/demo
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """Which run."""

    run: Annotated[Path, tyro.conf.Positional]
    """the run folder, such as runs/demo"""


def run(options: Options, console: Console) -> int:
    """Names each damaged thing; 1 where there is one, else 0."""
    from loopyard.cycle.verify import verify_run

    found = verify_run(options.run)
    verdict = "whole" if found.whole else f"{len(found.damages)} damaged"
    looked_at = f"{found.artifacts} artifacts of the event log, {found.folders} manifests"
    lines = [f"{verdict}: {options.run}: {looked_at}", *(f"  {line}" for line in found.damages)]
    answer = {
        "run": str(options.run),
        "whole": found.whole,
        "artifacts": found.artifacts,
        "manifests": found.folders,
        "damages": list(found.damages),
    }
    console.result(answer, "\n".join(lines))
    return 0 if found.whole else 1
