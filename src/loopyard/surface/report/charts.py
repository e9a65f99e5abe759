"""Charts as inline SVG that takes its colours and its type from the page, in light and in dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, StrMethodFormatter

COLOURS = {
    "ink": "#010203",
    "muted": "#010204",
    "rule": "#010205",
    "accent": "#010206",
    "good": "#010207",
    "bad": "#010208",
    "second": "#010209",
    "third": "#01020a",
}
"""Stand-ins that matplotlib draws with; each becomes the page's variable of that name."""

SERIES = ("accent", "second", "third", "good", "bad")
WIDTH_IN = 7.2
NEAR_TARGET = 0.06
"""A label this near to the target's line goes below it."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "loopyard",
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": COLOURS["rule"],
    "axes.labelcolor": COLOURS["muted"],
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["rule"],
    "ytick.color": COLOURS["rule"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["muted"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": COLOURS["rule"],
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Rate:
    """A success rate with its Wilson interval, each 0..1, as one point of a chart."""

    label: str
    rate: float
    low: float
    high: float


def success_chart(rates: Sequence[Rate], target: float | None) -> str:
    """Success per cycle with its interval, and the target as a line."""
    with mpl.rc_context(STYLE):
        figure, axes = figure_of(2.7)
        for place, rate in enumerate(rates):
            axes.plot(
                [place, place],
                [100 * rate.low, 100 * rate.high],
                color=COLOURS["accent"],
                linewidth=7,
                alpha=0.35,
                solid_capstyle="round",
            )
            axes.plot(place, 100 * rate.rate, "o", color=COLOURS["accent"], markersize=8)
            crossed = target is not None and abs(rate.rate - target) < NEAR_TARGET
            axes.annotate(
                f"{100 * rate.rate:.1f} %",
                (place, 100 * rate.rate),
                (11, -16 if crossed else -3),
                textcoords="offset points",
            )
        if target is not None:
            axes.axhline(100 * target, color=COLOURS["good"], linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"target {100 * target:g} %",
                (0.0, 100 * target),
                (2, 4),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                color=COLOURS["good"],
                fontsize=8,
            )
        axes.set(ylim=(-3, 106), xlim=(-0.5, len(rates) - 0.4), ylabel="scenes succeeded, %")
        axes.set_xticks(range(len(rates)), [rate.label for rate in rates])
        return to_svg(figure, "success")


LEGEND_COLUMNS = 4
LABEL_WIDE, LABEL_TALL = 0.15, 0.08
"""What a point's name takes, in parts of the chart's two sides."""


def loss_against_success(points: Sequence[tuple[str, float, Rate]]) -> str:
    """Final loss (x) and success with its interval (y) of each cycle: (label, loss, rate)."""
    with mpl.rc_context(STYLE):
        figure, axes = figure_of(2.7)
        losses = [loss for _, loss, _ in points]
        axes.plot(
            losses, [100 * rate.rate for *_, rate in points], color=COLOURS["rule"], linewidth=1
        )
        for _, loss, rate in points:
            axes.plot(
                [loss, loss],
                [100 * rate.low, 100 * rate.high],
                color=COLOURS["accent"],
                linewidth=5,
                alpha=0.35,
                solid_capstyle="round",
            )
            axes.plot(loss, 100 * rate.rate, "o", color=COLOURS["accent"], markersize=7)
        for label, loss, rate in _apart(points):
            axes.annotate(label, (loss, 100 * rate.rate), (10, -4), textcoords="offset points")
        axes.margins(x=0.18)
        axes.set(ylim=(-3, 106), xlabel="final training loss", ylabel="scenes succeeded, %")
        return to_svg(figure, "loss-success")


def _apart(points: Sequence[tuple[str, float, Rate]]) -> list[tuple[str, float, Rate]]:
    """The first, the last, and of those between what is far enough from all others to be named."""
    spread = max(loss for _, loss, _ in points) - min(loss for _, loss, _ in points) or 1.0
    named: list[tuple[str, float, Rate]] = []
    for point in [points[0], points[-1], *points[1:-1]]:
        _, loss, rate = point
        near = (
            abs(loss - other) / spread < LABEL_WIDE and abs(rate.rate - seen.rate) < LABEL_TALL
            for _, other, seen in named
        )
        if not any(near):
            named.append(point)
    return named


def loss_chart(curves: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> str:
    """Training loss (line) and validation loss (dots) of each cycle against its minutes."""
    with mpl.rc_context(STYLE):
        figure, axes = figure_of(2.9)
        for number, (label, rows) in enumerate(curves):
            colour = COLOURS[SERIES[number % len(SERIES)]]
            axes.plot(*_series(rows, "loss"), color=colour, label=label)
            axes.plot(*_series(rows, "val_loss"), "o", color=colour, markersize=4)
        axes.set(yscale="log", xlabel="minutes of training", ylabel="L1, normalised units")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(_minor_label))
        axes.legend(loc="upper right", ncols=min(len(curves), LEGEND_COLUMNS))
        return to_svg(figure, "loss")


def _minor_label(value: float, place: int | None = None) -> str:
    """2, 3 and 5 of each power of ten are named, which is enough between two of them."""
    text = f"{value:.1e}"
    return f"{value:g}" if text[:3] in ("2.0", "3.0", "5.0") else ""


def _series(rows: Sequence[dict[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """(minutes, values) of the rows that have a positive value of that name."""
    kept = [
        row
        for row in rows
        if isinstance(row.get(name), int | float) and row[name] > 0 and "seconds" in row
    ]
    return [row["seconds"] / 60 for row in kept], [row[name] for row in kept]


def time_chart(bars: Sequence[tuple[str, dict[str, float]]]) -> str:
    """Where the time went: one bar a cycle, in minutes; parts are {what: seconds}."""
    names = list(dict.fromkeys(name for _, parts in bars for name in parts))
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure, axes = figure_of(0.9 + 0.42 * len(bars))
        places = range(len(bars))
        ends = [0.0] * len(bars)
        for number, name in enumerate(names):
            widths = [parts.get(name, 0.0) / 60 for _, parts in bars]
            axes.barh(
                places,
                widths,
                left=ends,
                height=0.62,
                label=name,
                color=COLOURS[("second", "accent", "third", "rule")[min(number, 3)]],
            )
            ends = [end + width for end, width in zip(ends, widths, strict=True)]
        axes.set_yticks(places, [label for label, _ in bars])
        axes.invert_yaxis()
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel="minutes")
        figure.legend(loc="outside upper left", ncols=len(names), handlelength=1, handleheight=1)
        return to_svg(figure, "time")


def figure_of(height_in: float) -> tuple[Figure, Axes]:
    """An empty drawing of the page's width; within `STYLE`."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    return figure, axes


def to_svg(figure: Figure, name: str) -> str:
    """The drawing as an ``<svg>`` element whose ids carry `name`, so that many fit one page."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", text)
    text = re.sub(r"font-family: [^;\"]+;? ?", "", text)
    for colour, stand_in in COLOURS.items():
        text = text.replace(stand_in, f"var(--{colour})")
    return text.replace("<svg", '<svg role="img"', 1)
