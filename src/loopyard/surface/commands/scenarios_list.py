"""The failure modes there are, the gravest first; of one world also the strata of its scenes.

Example: loopyard scenarios list --modes mine.yaml
Example: loopyard scenarios list --world corridor
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
    world: str | None = None
    """only what this world can be set up for, and the strata of its scenes"""


def run(options: Options, console: Console) -> int:
    """One line a mode, and one a stratum."""
    from loopyard.scenarios.strata import strata_of_world
    from loopyard.scenarios.world_params import params_model
    from loopyard.surface.text_table import text_table

    registry = options.open()
    known, strata = registry.modes, []
    if options.world is not None:
        params_model(options.world, "scenarios list")  # an unknown world is an error
        known, strata = registry.of_world(options.world), list(strata_of_world(options.world))
    wanted = [mode for mode in known if options.tier in (None, mode.tier)]
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
    text = text_table(headers, cells, right=(1, 2, 3, 4, 5)) + "\n" if rows else ""
    told = [f"{text}{len(rows)} modes"]
    if strata:
        how = f"loopyard evaluate --world {options.world} --suite NAME, or all-strata"
        told += ["", *strata, f"{len(strata)} strata: {how}"]
    answer = {"modes": rows, **({"strata": strata} if options.world else {})}
    console.result(answer, "\n".join(told))
    return 0


def mode_row(mode: Any) -> dict[str, Any]:
    """A mode with its priority, as JSON."""
    return {**mode.model_dump(mode="json"), "sps": round(mode.sps, 4), "tier": mode.tier}
