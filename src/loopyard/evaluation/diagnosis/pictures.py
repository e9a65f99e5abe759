"""The trajectory of a drive from above, with the span that the diagnosis speaks of."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from loopyard.evaluation.diagnosis.diagnosis import CLASSES, Diagnosis
from loopyard.evaluation.trace import Trace

SIZE_IN = 4.6
DPI = 110
GROUND, KERB, GOAL, SOLID, TARGET = "#f4f1ea", "#8b8478", "#3b6fb0", "#a68a64", "#c8452f"
SPAN, INK = "#d1206f", "#22252a"
ARROW_M = 0.5


def trajectory_png(trace: Trace, diagnosis: Diagnosis, title: str = "") -> bytes | None:
    """A PNG: ground, solids, goal, targets as they stood at the start, the path coloured by time,
    the span of the class marked, or that of the first pattern. None where the trace has no pose."""
    if not trace.has("x_m", "y_m"):
        return None
    figure = Figure(figsize=(SIZE_IN, SIZE_IN + 0.75), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    _ground(axes, trace)
    _path(figure, axes, trace)
    if (first := diagnosis.first) is not None:
        _span(axes, trace, *first.evidence.span_s)
    _words(axes, diagnosis, title)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _ground(axes: Axes, trace: Trace) -> None:
    layout = trace.layout
    if "bounds_m" in layout:
        left, low, right, high = layout["bounds_m"]
        axes.add_patch(
            Rectangle((left, low), right - left, high - low, facecolor=GROUND, edgecolor=KERB)
        )
        axes.set(xlim=(left - 0.3, right + 0.3), ylim=(low - 0.3, high + 0.3))
    for row in np.atleast_2d(layout.get("goal_m", np.zeros((0, 5)))):
        axes.add_patch(_rectangle(axes, row, GOAL))
    for row in layout.get("solids_m", np.zeros((0, 5))):
        axes.add_patch(_rectangle(axes, row, SOLID))
    targets = layout.get("targets_m", np.zeros((0, 2)))
    axes.plot(*targets.T, "s", color=TARGET, markersize=6, linestyle="none")
    axes.set_aspect("equal")
    axes.tick_params(labelsize=7, colors=KERB)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _rectangle(axes: Axes, row: np.ndarray, colour: str) -> Rectangle:
    """row: x, y, yaw, half length, half width."""
    x, y, yaw, half_x, half_y = row
    patch = Rectangle((-half_x, -half_y), 2 * half_x, 2 * half_y, facecolor=colour, alpha=0.55)
    patch.set_transform(Affine2D().rotate(yaw).translate(x, y) + axes.transData)
    return patch


def _path(figure: Figure, axes: Axes, trace: Trace) -> None:
    x, y = trace.signal("x_m"), trace.signal("y_m")
    points = np.stack([x, y], axis=1)
    seconds = np.arange(len(points)) / trace.fps
    lines = LineCollection(
        list(np.stack([points[:-1], points[1:]], axis=1)),
        cmap=mpl.colormaps["viridis"],
        array=seconds[:-1],
        linewidths=2.0,
    )
    axes.add_collection(lines)
    axes.plot(x[0], y[0], "o", color=INK, markersize=6)
    if trace.has("yaw_rad"):
        yaw = trace.signal("yaw_rad")[-1]
        axes.annotate(
            "",
            (x[-1] + ARROW_M * np.cos(yaw), y[-1] + ARROW_M * np.sin(yaw)),
            (x[-1], y[-1]),
            arrowprops={"arrowstyle": "-|>", "color": INK},
        )
    if "bounds_m" not in trace.layout:
        axes.margins(0.1)
        axes.autoscale_view()
    bar = figure.colorbar(lines, ax=axes, shrink=0.7, aspect=30, pad=0.01)
    bar.set_label("s", fontsize=7)
    bar.ax.tick_params(labelsize=7)


def _span(axes: Axes, trace: Trace, from_s: float, to_s: float) -> None:
    first, last = round(from_s * trace.fps), round(to_s * trace.fps)
    x, y = trace.signal("x_m"), trace.signal("y_m")
    axes.plot(x[first : last + 1], y[first : last + 1], color=SPAN, linewidth=7, alpha=0.22)
    axes.plot(x[first], y[first], "x", color=SPAN, markersize=10, markeredgewidth=2.2)


def _words(axes: Axes, diagnosis: Diagnosis, title: str) -> None:
    failure = diagnosis.failure
    names = ", ".join(diagnosis.pattern_names)
    head = f"{failure.name} {CLASSES[failure.name]}" if failure else "" if names else "no class"
    lines = [part for part in (title, head, names) if part]
    axes.set_title("\n".join(lines), fontsize=8.5, color=INK, loc="left")
    axes.set_xlabel("o start   x where the failure begins   arrow: the end", fontsize=7)
