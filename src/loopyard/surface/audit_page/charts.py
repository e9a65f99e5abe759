"""The charts of an audit, from the figures in its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loopyard.surface.report.charts import COLOURS, STYLE, WIDTH_IN, figure_of, to_svg

PLAIN = {**STYLE, "text.parse_math": False}
"""Names of another's channels are text, never formulas."""
MOST_CHANNELS = 24
MOST_STRATA = 10
LONGEST_LABEL = 34


def action_histograms(channels: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Of each action channel the shares of frames over its reach, as small multiples."""
    shown = list(channels.items())[:MOST_CHANNELS]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    with mpl.rc_context({**PLAIN, "axes.grid": False}):
        figure = Figure(figsize=(WIDTH_IN, 1.35 * rows + 0.2), layout="constrained")
        figure.patch.set_alpha(0)
        grid = figure.subplots(rows, columns, squeeze=False)
        for place, axes in enumerate(grid.flat):
            axes.patch.set_alpha(0)
            if place >= len(shown):
                axes.set_axis_off()
                continue
            name, part = shown[place]
            edges, shares = np.array(part["edges"]), 100 * np.array(part["shares"])
            axes.bar(edges[:-1], shares, np.diff(edges), align="edge", color=COLOURS["second"])
            axes.set_title(_short(name, 22), fontsize=8.5, loc="left")
            axes.set_xlim(edges[0], edges[-1])
            axes.margins(y=0.08)
            axes.locator_params(nbins=3)
            axes.spines["left"].set_visible(False)
            axes.tick_params(axis="y", length=0)
        figure.supylabel("frames, %", fontsize=8.5, color=COLOURS["muted"])
        return to_svg(figure, "actions")


def coverage_map(coverage: Mapping[str, Any]) -> str:
    """Frames in each cell of the state map; the darker the more, on a logarithmic scale."""
    frames = np.array(coverage["frames"], float)
    (low_x, high_x), (low_y, high_y) = coverage["ranges"]
    with mpl.rc_context({**PLAIN, "axes.grid": False}):
        figure, axes = _figure(3.4, 3.4)
        wide, high = (high_x - low_x) / frames.shape[0], (high_y - low_y) / frames.shape[1]
        for (i, j), count in np.ndenumerate(frames):
            if count:
                shade = 0.15 + 0.85 * np.log1p(count) / np.log1p(frames.max())
                corner = (low_x + i * wide, low_y + j * high)
                patch = Rectangle(corner, wide, high, alpha=shade, linewidth=0)
                patch.set_facecolor(COLOURS["second"])
                axes.add_patch(patch)
        axes.set(xlim=(low_x, high_x), ylim=(low_y, high_y))
        axes.set_xlabel(_short(coverage["channels"][0]))
        axes.set_ylabel(_short(coverage["channels"][1]))
        return to_svg(figure, "coverage")


def lengths_chart(lengths: Sequence[int], fps: int) -> str:
    """How long episodes are, in seconds."""
    with mpl.rc_context(PLAIN):
        figure, axes = _figure(3.4, 3.4)
        bins = min(24, max(4, len(set(lengths))))
        axes.hist(np.array(lengths) / fps, bins, color=COLOURS["second"])
        axes.set(xlabel="length of an episode, s", ylabel="episodes")
        axes.locator_params(axis="y", integer=True)
        return to_svg(figure, "lengths")


def lag_chart(lag: Mapping[str, Any], most: float) -> str:
    """Correlation of the action with what moves, by lag; the band is where no lag is seen."""
    with mpl.rc_context(PLAIN):
        figure, axes = figure_of(2.3)
        axes.axvspan(-most, most, color=COLOURS["good"], alpha=0.14, linewidth=0)
        axes.plot(lag["lags"], lag["correlation"], color=COLOURS["second"])
        axes.axvline(lag["ticks"], color=COLOURS["accent"], linewidth=1.4)
        axes.annotate(
            f"{round(lag['ticks'], 1) + 0.0:+.1f} ticks",
            (lag["ticks"], 1.0),
            (5, -9),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=COLOURS["accent"],
        )
        axes.locator_params(axis="x", integer=True)
        axes.set(ylim=(0, 1.05), xlabel="ticks that the movement follows the action by")
        axes.set_ylabel("|correlation|")
        return to_svg(figure, "lag")


def strata_chart(strata: Mapping[str, Mapping[str, int]], least: float) -> str:
    """Episodes of each stratum, by kind; a mark where an alarm begins."""
    rows: list[tuple[str, int, float]] = []
    for kind, counts in strata.items():
        floor = least * sum(counts.values()) / len(counts) if len(counts) > 1 else 0.0
        listed = list(counts.items())
        kept = listed if len(listed) <= MOST_STRATA else [*listed[: MOST_STRATA - 2], *listed[-2:]]
        rows += [(f"{kind}: {name}", count, floor) for name, count in kept]
    with mpl.rc_context({**PLAIN, "axes.grid.axis": "x"}):
        figure, axes = figure_of(0.7 + 0.26 * len(rows))
        for place, (_, count, floor) in enumerate(rows):
            colour = COLOURS["bad" if count < floor else "second"]
            axes.barh(place, count, 0.66, color=colour)
            if floor:
                axes.plot([floor, floor], [place - 0.42, place + 0.42], color=COLOURS["ink"], lw=1)
        return _finish_bars(figure, axes, [row[0] for row in rows], "episodes", "strata")


def memorising_chart(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """R² of each predictor that does not look, with chance and the mark where an alarm begins."""
    with mpl.rc_context({**PLAIN, "axes.grid.axis": "x"}):
        figure, axes = figure_of(0.75 + 0.42 * len(measured))
        for place, part in enumerate(measured.values()):
            score, mark = max(part["r2"], 0.0), part["warns_above"]
            axes.barh(place, score, 0.6, color=COLOURS["bad" if score > mark else "second"])
            axes.plot([mark, mark], [place - 0.42, place + 0.42], color=COLOURS["ink"], lw=1)
            axes.annotate(
                f"{part['r2']:.2f}",
                (score, place),
                (5, -3),
                textcoords="offset points",
                bbox={"facecolor": "none", "edgecolor": "none", "pad": 0},
            )
        axes.set_xlim(0, 1.08)
        label = "held-out R²: 0 is chance, 1 is all of it; the mark is where it warns"
        return _finish_bars(figure, axes, list(measured), label, "memorising")


def drift_chart(drift: Mapping[str, float], most: float) -> str:
    """How far the last quarter's mean is from the first's, in deviations between episodes."""
    kept = sorted(drift.items(), key=lambda item: -abs(item[1]))[:MOST_CHANNELS]
    with mpl.rc_context({**PLAIN, "axes.grid.axis": "x"}):
        figure, axes = figure_of(0.75 + 0.24 * len(kept))
        axes.axvspan(-most, most, color=COLOURS["good"], alpha=0.14, linewidth=0)
        for place, (_, value) in enumerate(kept):
            colour = COLOURS["accent" if abs(value) > most else "second"]
            axes.barh(place, value, 0.6, color=colour)
        furthest = max(1.2 * most, *(1.1 * abs(value) for _, value in kept))
        axes.set_xlim(-furthest, furthest)
        label = "standard deviations from the first quarter to the last"
        return _finish_bars(figure, axes, [name for name, _ in kept], label, "drift")


def _finish_bars(figure: Figure, axes: Axes, names: list[str], label: str, name: str) -> str:
    axes.set_yticks(range(len(names)), [_short(text) for text in names])
    axes.invert_yaxis()
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
    axes.set_xlabel(label)
    return to_svg(figure, name)


def _figure(wide_in: float, high_in: float) -> tuple[Figure, Axes]:
    figure, axes = figure_of(high_in)
    figure.set_size_inches(wide_in, high_in)
    return figure, axes


def _short(text: str, most: int = LONGEST_LABEL) -> str:
    """Its beginning and its end: instructions often differ in their last words."""
    if len(text) <= most:
        return text
    end = (most - 3) // 2
    return text[: most - 3 - end] + "..." + text[-end:]
