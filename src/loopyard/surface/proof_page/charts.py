"""The chart of a proof: success rates with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl

from loopyard.evaluation.by_stratum import StratumResult
from loopyard.surface.report.charts import COLOURS, STYLE, figure_of, to_svg


@dataclass(frozen=True)
class Bar:
    """One line of a chart. colour: a name of the page's."""

    label: str
    result: StratumResult
    colour: str = "accent"


def rates_chart(bars: Sequence[Bar], name: str, target: float | None = None) -> str:
    """The rate of each as a dot, its Wilson interval as a band, and the target as a line."""
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure, axes = figure_of(0.65 + 0.3 * len(bars))
        for place, bar in enumerate(bars):
            low, high = bar.result.wilson_95
            rate = bar.result.successes / max(1, bar.result.n)
            colour = COLOURS[bar.colour]
            span = [100 * low, 100 * high]
            axes.plot(span, [place, place], color=colour, lw=6, alpha=0.35, solid_capstyle="round")
            axes.plot(100 * rate, place, "o", color=colour, markersize=6.5)
            axes.annotate(
                f"{100 * rate:.1f} %  ({bar.result.successes} of {bar.result.n})",
                (1.01, place),
                xycoords=("axes fraction", "data"),
                va="center",
                annotation_clip=False,
            )
        if target is not None:
            axes.axvline(100 * target, color=COLOURS["good"], lw=1, linestyle=(0, (4, 3)))
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
        axes.set(xlim=(-2, 102), xlabel="scenes succeeded, %, with the Wilson 95 % interval")
        axes.set_ylim(len(bars) - 0.4, -0.6)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
        return to_svg(figure, name)
