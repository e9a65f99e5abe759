"""When each stage ran, and below it how busy the machine was: one drawing on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import matplotlib as mpl
from matplotlib.axes import Axes

from loopyard.cycle.accounts.timeline import Span, Timeline
from loopyard.cycle.accounts.usage import EVERY_S, UsageRow, thinned
from loopyard.surface.report.charts import COLOURS, STYLE, figure_of, to_svg

OF_STAGE = {
    **dict.fromkeys(("expert", "relabel", "recover"), "second"),
    "train": "accent",
    **dict.fromkeys(("select", "gate"), "good"),
}
LEAST_SHARE = 0.002
"""A stage with less of the time would be a line thinner than a pixel."""
LABELLED_SHARE = 0.018
"""A bar this wide has room for its cycle's number."""
POINTS = 400
"""Samples drawn at most; neighbours are averaged."""
HOUR_S = 3600.0


def timeline_chart(timeline: Timeline, rows: Sequence[UsageRow]) -> str:
    """Bars of the steps by stage with their cycle's number; below, cores and GPU in percent.

    Restarts are dashed lines through both. Time is running time: what a restart took is cut out.
    """
    stages = stages_shown(timeline)
    unit_s = HOUR_S if timeline.end_s > 3 * HOUR_S else 60.0
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure, axes = figure_of(0.7 + 0.34 * len(stages) + (1.5 if rows else 0.0))
        bars, load = axes, None
        if rows:
            figure.delaxes(axes)
            bars, load = figure.subplots(
                2, 1, sharex=True, height_ratios=(0.34 * len(stages) + 0.1, 1.4)
            )
        _bars(bars, timeline, stages, unit_s)
        if load is not None:
            _load(load, rows, unit_s)
            figure.legend(*load.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        for part in filter(None, (bars, load)):
            part.patch.set_alpha(0)
            for at_s in timeline.restarts_s:
                part.axvline(
                    at_s / unit_s, color=COLOURS["bad"], linewidth=1, linestyle=(0, (3, 2))
                )
        (load or bars).set(
            xlim=(0, timeline.end_s / unit_s), xlabel="hours" if unit_s == HOUR_S else "minutes"
        )
        return to_svg(figure, "timeline")


def stages_shown(timeline: Timeline) -> list[str]:
    """Stages in the order they first ran, those too short to be seen left out."""
    seconds: dict[str, float] = {}
    for span in timeline.spans:
        seconds[span.stage] = seconds.get(span.stage, 0.0) + span.seconds
    return [stage for stage, s in seconds.items() if s >= LEAST_SHARE * timeline.end_s > 0]


def _bars(axes: Axes, timeline: Timeline, stages: Sequence[str], unit_s: float) -> None:
    for place, stage in enumerate(stages):
        colour = COLOURS[OF_STAGE.get(stage, "third")]
        for span in (span for span in timeline.spans if span.stage == stage):
            axes.barh(
                place,
                span.seconds / unit_s,
                left=span.begin_s / unit_s,
                height=0.66,
                color=colour,
                alpha=1.0 if span.done else 0.45,
            )
            _number(axes, place, span, timeline.end_s, unit_s)
    axes.set_yticks(range(len(stages)), stages)
    axes.invert_yaxis()
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _number(axes: Axes, place: int, span: Span, end_s: float, unit_s: float) -> None:
    """The cycle's number in the middle of its bar."""
    if span.cycle is not None and span.seconds >= LABELLED_SHARE * end_s:
        middle = (span.begin_s + span.end_s) / 2 / unit_s
        axes.text(middle, place, str(span.cycle), ha="center", va="center", fontsize=8)


def _load(axes: Axes, rows: Sequence[UsageRow], unit_s: float) -> None:
    rows = in_points(rows)
    at, busy, own = [], [], []
    for row in rows:
        if at and row.at_s - row.seconds > at[-1] * unit_s + EVERY_S:  # nothing was sampled
            at.append((row.at_s - row.seconds) / unit_s)
            busy.append(nan)
            own.append(nan)
        at.append(row.at_s / unit_s)
        own.append(100 * row.own / row.cores)
        busy.append(100 * max(row.own, row.busy) / row.cores)
    axes.fill_between(at, 0, own, color=COLOURS["accent"], linewidth=0, alpha=0.75, label="cores")
    if max(b - o for b, o in zip(busy, own, strict=True) if b == b) > 5:
        axes.fill_between(at, own, busy, color=COLOURS["rule"], linewidth=0, label="cores, others")
    memory = [100 * row.memory_gib / row.memory_total_gib for row in rows if row.memory_total_gib]
    if len(memory) == len(rows):
        places = [row.at_s / unit_s for row in rows]
        axes.plot(places, memory, color=COLOURS["second"], linewidth=1.2, label="memory")
    with_gpu = [row for row in rows if row.gpus]
    if with_gpu:
        use = [100 * sum(gpu.use for gpu in row.gpus) / len(row.gpus) for row in with_gpu]
        places = [row.at_s / unit_s for row in with_gpu]
        axes.plot(places, use, color=COLOURS["good"], linewidth=1.2, label="GPU")
    axes.set(ylim=(0, 103), ylabel="in use, %")
    axes.set_yticks((0, 50, 100))
    axes.grid(axis="both")


def in_points(rows: Sequence[UsageRow]) -> list[UsageRow]:
    """At most `POINTS` rows; neighbours become one with their mean."""
    rows = list(rows)
    while len(rows) > POINTS:
        fewer = thinned(rows)
        if len(fewer) == len(rows):
            break
        rows = fewer
    return rows
