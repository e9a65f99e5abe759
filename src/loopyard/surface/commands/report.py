"""The report of a run folder: what was asked, what came out, and the evidence, on one page.

It opens offline, and a campaign that is not finished has one as well.

Example: loopyard report runs/demo --lang ko --machine-price 0.35
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """Which run. What is not named here is as the campaign's settings say."""

    run: Annotated[Path, tyro.conf.Positional]
    """the run folder, such as runs/demo"""
    lang: Literal["en", "ko"] | None = None
    """the language of the page"""
    machine: str | None = None
    """the machine's name in the price file"""
    machine_price: float | None = None
    """what an hour of it costs, in USD"""
    prices: Path | None = None
    """a price file of your own; else the examples that come with Loopyard"""


def run(options: Options, console: Console) -> int:
    """Writes report/index.html and, once there is a plan, report/plan-against-actual.md."""
    from loopyard.surface.report.build import Wishes, report

    wishes = Wishes(options.lang, options.machine, options.machine_price, options.prices)
    page = report(options.run, wishes)
    compared = page.with_name("plan-against-actual.md")
    result = {"report": str(page), "plan_against_actual": None}
    text = f"report: {page}"
    if compared.exists():
        result["plan_against_actual"] = str(compared)
        text += f"\nplan against actual: {compared}"
    console.result(result, text)
    return 0
