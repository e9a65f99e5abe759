"""The failure boundary as a picture: what was driven, where half fails, and what is unknown."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from loopyard.evaluation.adversary.boundary import GRID, SURE, Boundary
from loopyard.evaluation.adversary.search import Finding
from loopyard.evaluation.adversary.space import Axis
from loopyard.store.atomic import write_bytes

PASSED, FAILED, LINE, NOMINAL, UNKNOWN = "#0072b2", "#d55e00", "#1a1a1a", "#1a1a1a", "#ececec"
"""Blue and vermilion can be told apart by the colour-blind (M. Okabe and K. Ito, 2008)."""

SHADES = LinearSegmentedColormap.from_list("failure", ["#d6e8f5", "#ffffff", "#fbd9c6"])
FORMATS = ("svg", "png")
PNG_DPI = 110
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "loopyard",
    "font.size": 9,
    "hatch.linewidth": 0.6,
    "hatch.color": "#c4c4c4",
    "legend.frameon": False,
}


def draw_boundary(finding: Finding, stem: Path) -> list[Path]:
    """Writes ``<stem>.svg`` and ``<stem>.png``; returns their paths."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.6), layout="constrained")
        axes = figure.subplots()
        _shade(axes, finding.boundary)
        _rollouts(axes, finding)
        marks = _marks(axes, finding)
        _frame(axes, finding)
        figure.legend(
            handles=_legend(finding, marks), loc="outside lower center", ncols=2, fontsize=8
        )
        paths = []
        for format in FORMATS:
            stream = io.BytesIO()
            plain = {"Date": None, "Creator": None} if format == "svg" else {"Software": None}
            figure.savefig(stream, format=format, dpi=PNG_DPI, metadata=plain)
            paths.append(stem.with_suffix(f".{format}"))
            write_bytes(paths[-1], stream.getvalue())
    return paths


def _shade(axes: Axes, boundary: Boundary) -> None:
    x, y = _axes(boundary)
    ends = (float(x.low), float(x.high), float(y.low), float(y.high))
    unknown = Rectangle(
        (ends[0], ends[2]), ends[1] - ends[0], ends[3] - ends[2], fc=UNKNOWN, hatch="////", lw=0
    )
    axes.add_patch(unknown)
    across, up = np.linspace(*ends[:2], GRID), np.linspace(*ends[2:], GRID)
    shown = np.ma.masked_invalid(boundary.rate)
    axes.pcolormesh(
        across, up, shown, cmap=SHADES, vmin=0, vmax=1, shading="nearest", rasterized=True
    )
    if boundary.lines:
        axes.contour(
            across,
            up,
            np.ma.masked_invalid(boundary.sureness),
            levels=[-SURE, SURE],
            colors=LINE,
            linewidths=0.8,
            linestyles="dashed",
        )
    for line in boundary.lines:
        own = np.array([[_own(x, u), _own(y, v)] for u, v in line])
        axes.plot(own[:, 0], own[:, 1], color=LINE, linewidth=1.8)


def _rollouts(axes: Axes, finding: Finding) -> None:
    """A dot a point, as large as its rollouts are many; paler where it is off the plane."""
    tried, boundary = finding.tried, finding.boundary
    x, y = _axes(boundary)
    for units, n, failures, near in zip(
        tried.units, tried.n, tried.failures, boundary.near, strict=True
    ):
        u, v = boundary.plane.places(units[None])[0]
        share = failures / n
        axes.plot(
            _own(x, u),
            _own(y, v),
            marker="o" if share < 0.5 else "X",
            color=PASSED if share == 0 else FAILED if share == 1 else "#9a7fa8",
            markersize=4.5 + 1.4 * np.sqrt(n),
            markeredgecolor="white",
            markeredgewidth=0.5,
            alpha=0.95 if near else 0.22,
            linestyle="none",
        )


def _marks(axes: Axes, finding: Finding) -> list[Line2D]:
    boundary, space = finding.boundary, finding.space
    x, y = _axes(boundary)
    marks = []
    for name, units, marker, records in (
        ("nominal", space.nominal, "D", finding.nominal_check),
        ("worst found", finding.worst, "s", finding.worst_check),
    ):
        u, v = boundary.plane.places(np.asarray(units)[None])[0]
        successes = sum(record.outcome.success for record in records)
        beyond = not (0.0 <= u <= 1.0 and 0.0 <= v <= 1.0)
        away = boundary.plane.distance(np.asarray(units)[None])[0] > 1e-9
        off = ", beyond the edge" if beyond else ", off the plane" if away else ""
        label = f"{name}{off}: {successes} of {len(records)} new scenes succeeded"
        style: dict[str, Any] = {"marker": marker, "linestyle": "none", "markersize": 11}
        style |= {"markerfacecolor": "none", "markeredgecolor": NOMINAL, "markeredgewidth": 1.8}
        place = (_own(x, min(1.0, max(0.0, u))), _own(y, min(1.0, max(0.0, v))))
        axes.plot(*place, clip_on=False, zorder=5, **style)
        marks.append(Line2D([], [], label=label, **{**style, "markersize": 7}))
    return marks


def _legend(finding: Finding, marks: list[Line2D]) -> list[Any]:
    word = "failed or unsafe" if finding.settings.unsafe else "failed"
    dot: dict[str, Any] = {"linestyle": "none", "markersize": 6}
    handles: list[Any] = [
        Line2D([], [], marker="o", color=PASSED, label=f"none {word}", **dot),
        Line2D([], [], marker="X", color=FAILED, label=f"all {word}", **dot),
        Line2D([], [], marker="X", color="#9a7fa8", label="some of them", **dot),
    ]
    if finding.boundary.known < 1.0:
        label = "no rollouts near: not known"
        handles.append(Patch(facecolor=UNKNOWN, hatch="////", label=label))
    if finding.boundary.lines:
        label = f"half {word} (dashed: surely one side, 95 %)"
        handles.append(Line2D([], [], color=LINE, linewidth=1.8, label=label))
    return [*handles, *marks]


def _frame(axes: Axes, finding: Finding) -> None:
    """The box, and what it shows."""
    plane = finding.boundary.plane
    pad = 0.03
    for axis, limits in zip(_axes(finding.boundary), (axes.set_xlim, axes.set_ylim), strict=True):
        limits(_own(axis, -pad), _own(axis, 1.0 + pad))
    axes.set(xlabel=plane.names[0], ylabel=plane.names[1])
    axes.spines[["top", "right"]].set_visible(False)
    held = ", ".join(f"{name} {value:g}" for name, value in plane.held().items())
    n = int(finding.tried.n.sum())
    title = f"where drives fail: {n} rollouts at {len(finding.tried.n)} points"
    axes.set_title(
        title + (f"\nthe line is for {held}; pale: elsewhere" if held else ""), fontsize=9
    )


def _axes(boundary: Boundary) -> tuple[Axis, Axis]:
    plane = boundary.plane
    return plane.space.axes[plane.across], plane.space.axes[plane.up]


def _own(axis: Axis, unit: float) -> float:
    return axis.low + float(unit) * (axis.high - axis.low)
