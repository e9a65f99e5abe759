"""The failure modes there are, the gravest first.

Example: loopyard scenarios list --modes mine.yaml
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from loopyard.surface.console import Console
from loopyard.surface.scenario_options import ModeOptions


@dataclass(frozen=True)
class Options(ModeOptions):
    """Which of them."""

    tier: Literal[1, 2, 3] | None = None
    """only this tier"""


def run(options: Options, console: Console) -> int:
    """One line a mode."""
    from loopyard.surface.text_table import text_table

    registry = options.open()
    wanted = [mode for mode in registry.modes if options.tier in (None, mode.tier)]
    wanted.sort(key=lambda mode: (-mode.sps, mode.id))
    rows = [mode_row(mode) for mode in wanted]
    headers = ["id", "tier", "SPS", "S", "O", "D", "expected", "what goes wrong"]
    cells = [
        (
            row["id"],
            row["tier"],
            f"{row['sps']:.1f}",
            row["severity"],
            f"{row['occurrence']:g}",
            row["difficulty"],
            row["expected"].replace("_", " "),
            row["text"],
        )
        for row in rows
    ]
    console.result(
        {"modes": rows}, f"{text_table(headers, cells, right=(1, 2, 3, 4, 5))}\n{len(rows)} modes"
    )
    return 0


def mode_row(mode: Any) -> dict[str, Any]:
    """A mode with its priority, as JSON."""
    return {**mode.model_dump(mode="json"), "sps": round(mode.sps, 4), "tier": mode.tier}
