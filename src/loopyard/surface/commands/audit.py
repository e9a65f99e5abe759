"""May this dataset be trained on? Checks integrity and action shares; exit code 1 says no.

Example: loopyard audit data/starter
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """Which dataset, and how closely to look."""

    dataset: Annotated[Path, tyro.conf.Positional]
    """folder of a LeRobot v3.0 dataset"""
    thorough: bool = False
    """decode every frame, not some of each of 64 episodes"""
    all: bool = False
    """name the checks that passed as well"""
    thresholds: Path | None = None
    """YAML file of thresholds that differ: docs/audit-a-dataset.md lists them"""
    set: Annotated[tyro.conf.UseAppendAction[list[str]], tyro.conf.arg(metavar="NAME=VALUE")] = (
        field(default_factory=list)
    )
    """a threshold to change, as often as needed"""


def run(options: Options, console: Console) -> int:
    """Prints the verdict and its reasons; 1 where it is fail, else 0."""
    from loopyard.data.audit import Thresholds, audit

    limits = Thresholds.read(options.thresholds, options.set)
    report = audit(options.dataset, thorough=options.thorough, thresholds=limits)
    shown = [check for check in report.checks if options.all or check.verdict != "pass"]
    lines = [f"{report.verdict}: {options.dataset}: {len(report.checks)} checks"]
    for check in shown:
        where = f" ({check.where})" if check.where else ""
        lines.append(
            f"  {check.verdict:<4}  {check.name}: found {check.found}, "
            f"expected {check.expected}{where}"
        )
    console.result(report.to_dict(), "\n".join(lines))
    return 1 if report.verdict == "fail" else 0
