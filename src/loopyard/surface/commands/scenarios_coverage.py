"""How far the failure modes are covered: generated, rolled out with n and interval, passed.

Example: loopyard scenarios coverage runs/demo
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from loopyard.surface.console import Console
from loopyard.surface.scenario_options import ModeOptions


@dataclass(frozen=True)
class Options(ModeOptions):
    """Of what, and when a mode counts as passed."""

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """run folders, folders or files of rollouts, datasets; of each mode the last rollouts count"""
    bar: float = 0.8
    """the success rate from which a mode is passed"""


def run(options: Options, console: Console) -> int:
    """Prints one line a mode and the totals."""
    from loopyard.core.errors import ConfigError, expected
    from loopyard.evaluation.coverage import coverage, read_evidence

    if not options.paths:
        raise ConfigError(expected("coverage", "paths", "none", "at least one"))
    if not 0.0 < options.bar <= 1.0:
        raise ConfigError(expected("coverage", "--bar", options.bar, "a rate above 0, at most 1"))
    rows = coverage(options.open(), read_evidence(options.paths), options.bar)
    answer = {
        "modes": [row.to_dict() for row in rows],
        "of": len(rows),
        "generated": sum(row.generated > 0 for row in rows),
        "rolled_out": sum(row.rolled_out.n > 0 for row in rows),
        "passed": sum(row.passed for row in rows),
        "with_violations": sum(row.rolled_out.violations > 0 for row in rows),
        "bar": options.bar,
    }
    console.result(answer, _text(answer))
    return 0


def _text(answer: dict[str, Any]) -> str:
    from loopyard.surface.mode_table import mode_table

    of = answer["of"]
    return (
        f"{mode_table(answer['modes'])}\n"
        f"generated {answer['generated']} of {of}, rolled out {answer['rolled_out']} of {of}, "
        f"passed ({answer['bar']:.0%} or more succeeded) {answer['passed']} of {of}; "
        f"safety violations in {answer['with_violations']} modes"
    )
