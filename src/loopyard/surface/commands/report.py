"""The report of a run folder: what was asked, what came out, and the evidence, on one page.

It opens offline, and a campaign that is not finished has one as well.

Example: loopyard report runs/demo
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
    """Writes report/index.html in the run folder."""
    from loopyard.surface.report.build import report

    page = report(options.run)
    console.result({"report": str(page)}, f"report: {page}")
    return 0
