"""Pictures of an offline evaluation: one training in four panels, every metric against success."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from loopyard.evaluation.offline.evaluate import OfflineResult
from loopyard.evaluation.offline.metrics import BETTER
from loopyard.evaluation.offline.training_curve import TrainingCurve
from loopyard.evaluation.statistics import wilson

PHASE_COLOURS = {
    "descent": "#4477aa",
    "refinement": "#228833",
    "plateau": "#bbbbbb",
    "overfitting": "#ee6677",
    "divergence": "#aa3377",
}
INK, SECOND = "#4477aa", "#ee6677"
COLUMNS = 4
MOST_LABELS = 6
"""With more checkpoints their names would cover the points and each other."""


def draw_training(curve: TrainingCurve, path: Path) -> None:
    """Loss, gap, improvement a stretch, and log loss with the phases named, to a picture file."""
    rows = curve.rows
    checked = [row for row in rows if row.get("val_loss") is not None]
    steps, losses = [row["step"] for row in rows], [row["loss"] for row in rows]
    at, values = [row["step"] for row in checked], [row["val_loss"] for row in checked]
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    loss, gap, improvement, log = figure.subplots(2, 2).flat
    for axes in (loss, log):
        axes.plot(steps, losses, color=INK, lw=1.2, label="training")
        axes.plot(at, values, "o-", color=SECOND, ms=3, lw=1, label="validation")
    loss.set(title="loss", ylabel="L1, normalised units", ylim=(0, None))
    loss.legend(frameon=False)
    if checked:
        gap.plot(at, [row["val_loss"] - row["loss"] for row in checked], "o-", color=SECOND, ms=3)
    else:
        gap.text(0.5, 0.5, "no validation", transform=gap.transAxes, ha="center")
    gap.axhline(0, color="#888888", lw=0.8)
    gap.set(title="gap: validation less training loss")
    improvement.bar(
        range(1, len(curve.stretches) + 1),
        [100 * part.improvement for part in curve.stretches],
        color=[PHASE_COLOURS[part.phase] for part in curve.stretches],
    )
    improvement.axhline(0, color="#888888", lw=0.8)
    improvement.set(title=f"improvement of each {curve.unit}, %", xlabel=curve.unit)
    log.set(title="log loss, with phases", yscale="log", xlabel="step")
    gap.set_xlabel("step")
    for number, (name, start, end) in enumerate(curve.phases):
        log.axvspan(start, end, color=PHASE_COLOURS[name], alpha=0.18, lw=0)
        place = log.get_xaxis_transform()
        log.text(
            (start + end) / 2,
            0.97 - 0.07 * (number % 3),
            name,
            transform=place,
            ha="center",
            va="top",
            fontsize=8,
        )
    for axes in (loss, gap, improvement, log):
        axes.grid(visible=True, alpha=0.25)
    _save(figure, path)


def draw_metrics(result: OfflineResult, path: Path) -> None:
    """Each metric against success (with Wilson 95 %), or beside the checkpoints without any."""
    names = [
        name for name in BETTER if any(row.measured.values[name] is not None for row in result.rows)
    ]
    lines = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 2.7 * lines), layout="constrained")
    panels = list(figure.subplots(lines, COLUMNS, squeeze=False).flat)
    labels = short_names([row.path for row in result.rows])
    driven = [row.closed_loop is not None for row in result.rows]
    for name, axes in zip(names, panels, strict=False):
        found = result.correlations[name].spearman
        said = f"Spearman {found:+.2f}" if found is not None else "no correlation to tell"
        axes.set_title(f"{name} ({BETTER[name]} is better)\n{said}", fontsize=9)
        if any(driven):
            _against_success(axes, result, name, labels)
        else:
            values = [row.measured.values[name] or 0.0 for row in result.rows]
            axes.barh(labels, values, color=INK)
            axes.invert_yaxis()
        axes.grid(visible=True, alpha=0.25)
        axes.tick_params(labelsize=7)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    _save(figure, path)


def _against_success(axes: Any, result: OfflineResult, name: str, labels: Sequence[str]) -> None:
    for row, label in zip(result.rows, labels, strict=True):
        value, drives = row.measured.values[name], row.closed_loop
        if value is None or drives is None:
            continue
        low, high = wilson(drives.successes, drives.n)
        axes.plot([value, value], [100 * low, 100 * high], color=INK, lw=4, alpha=0.35)
        axes.plot(value, 100 * drives.rate, "o", color=INK, ms=4)
        if len(result.rows) <= MOST_LABELS:
            place = (value, 100 * drives.rate)
            axes.annotate(label, place, (4, 2), textcoords="offset points", fontsize=6)
    axes.margins(x=0.15)
    axes.set_ylim(-4, 104)
    axes.set_ylabel("success, %", fontsize=7)


def short_names(paths: Sequence[Path]) -> list[str]:
    """The parts of each path in which they differ."""
    parts = [path.parts for path in paths]
    if len(paths) == 1:
        return [paths[0].name]
    shared = min(
        (i for i, level in enumerate(zip(*parts, strict=False)) if len(set(level)) > 1),
        default=0,
    )
    return ["/".join(p for p in part[shared:] if p != "checkpoints") for part in parts]


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, dpi=110, metadata=metadata)
