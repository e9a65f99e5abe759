"""The answer of an offline evaluation: text, JSON and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopyard.surface.text_table import text_table

if TYPE_CHECKING:
    from loopyard.evaluation.offline.correlation import Correlation
    from loopyard.evaluation.offline.evaluate import OfflineResult
    from loopyard.evaluation.offline.metrics import Measured

COLLAPSED = 0.5
"""A channel whose predictions spread less than this share of the labels' is named."""
OVERFIT = 2.0
"""A validation loss over so many times the training loss is named."""


def write_offline(result: OfflineResult, out: Path) -> list[str]:
    """offline.json, metrics.svg, and training.svg (numbered where there are several trainings)."""
    from loopyard.evaluation.offline.figures import draw_metrics, draw_training
    from loopyard.store.atomic import write_json

    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "offline.json", result.to_dict())
    draw_metrics(result, out / "metrics.svg")
    written = ["offline.json", "metrics.svg"]
    curves = {str(row.curve.path): row.curve for row in result.rows if row.curve is not None}
    for number, curve in enumerate(curves.values(), 1):
        name = "training.svg" if len(curves) == 1 else f"training-{number}.svg"
        draw_training(curve, out / name)
        written.append(name)
    return [str(out / name) for name in written]


def offline_text(answer: dict[str, Any], result: OfflineResult) -> str:
    """What a person reads: a row a checkpoint, the channels of a single one, what to believe."""
    from loopyard.evaluation.offline.figures import short_names
    from loopyard.evaluation.offline.metrics import BETTER

    labels = short_names([row.path for row in result.rows])
    rows = []
    for label, row in zip(labels, result.rows, strict=True):
        drives = row.closed_loop
        success = f"{drives.successes}/{drives.n}" if drives else "-"
        rows.append([label, success, *(_number(row.measured.values[name]) for name in BETTER)])
    headers = ["checkpoint", "success", *BETTER]
    parts = [
        f"{answer['frames']} frames of {len(result.episodes)} episodes of {result.dataset}",
        text_table(headers, rows, right=range(1, len(headers))),
    ]
    if len(result.rows) == 1:
        parts += [_channels(result.rows[0].measured), _phases(result.rows[0].measured)]
    parts += [
        f"{label}: {remark}"
        for label, row in zip(labels, result.rows, strict=True)
        for remark in _remarks(row.measured)
    ]
    parts += [_training(curve) for curve in answer["training"]]
    if len(result.rows) > 1:
        parts.append(_believe(result))
    parts += [f"note: {note}" for note in result.notes]
    return "\n".join(part for part in parts if part)


def _channels(measured: Measured) -> str:
    names = next(iter(measured.channels.values()))
    rows = [
        [channel, *(_number(value) for value in values.values())]
        for channel, values in measured.channels.items()
    ]
    return "\n" + text_table(["channel", *names], rows, right=range(1, len(names) + 1))


def _phases(measured: Measured) -> str:
    if not measured.phases:
        return "phases: the dataset tells none"
    rows = [[name, _number(part["mae"]), part["frames"]] for name, part in measured.phases.items()]
    return "\n" + text_table(["phase", "mae", "labels"], rows, right=(1, 2)) + "\n"


def _remarks(measured: Measured) -> list[str]:
    """What stands out in one checkpoint's numbers."""
    flat = [name for name, part in measured.channels.items() if part["spread"] < COLLAPSED]
    found = []
    if flat:
        found.append(
            f"mode collapse: {', '.join(flat)} vary less than {COLLAPSED:.0%} of their labels"
        )
    gap = measured.values.get("gap")
    if gap is not None and gap > OVERFIT:
        found.append(f"overfit: validation loss is {gap:.1f} times the training loss")
    return found


def _training(curve: dict[str, Any]) -> str:
    phases = ", ".join(f"{p['phase']} to step {p['to']}" for p in curve["phases"])
    return f"training {curve['journal']}: {phases}"


def _believe(result: OfflineResult) -> str:
    """The correlations with success, the strongest first, and how far to trust them."""
    found = sorted(result.correlations.items(), key=lambda item: -abs(item[1].spearman or 0.0))
    n = max((part.n for _, part in found), default=0)
    driven = [row.closed_loop.rate for row in result.rows if row.closed_loop]
    if n < 3:
        return f"\n{n} checkpoints have rollouts: too few to say which metric goes with success"
    if len(set(driven)) == 1:
        return f"\nall {n} checkpoints succeed alike: no metric can go with success"
    rows = [_correlation_row(name, part) for name, part in found]
    headers = ["metric", "better", "Spearman", "95 %", "Pearson", "95 %", ""]
    few = (
        ""
        if any(part.spearman_95 for _, part in found)
        else (f"\n{n} checkpoints are too few for an interval: take this for a hint at most")
    )
    return f"\nwith success, over {n} checkpoints\n{text_table(headers, rows)}{few}"


def _correlation_row(name: str, part: Correlation) -> list[str]:
    from loopyard.evaluation.offline.metrics import BETTER, HIGHER

    said = ""
    if part.spearman is not None and part.spearman_95 is not None:
        low, high = part.spearman_95
        right_way = low > 0 if BETTER[name] == HIGHER else high < 0
        wrong_way = high < 0 if BETTER[name] == HIGHER else low > 0
        said = "believe" if right_way else "misleads" if wrong_way else "unclear"
    return [
        name,
        BETTER[name],
        _signed(part.spearman),
        _interval(part.spearman_95),
        _signed(part.pearson),
        _interval(part.pearson_95),
        said,
    ]


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _interval(value: tuple[float, float] | None) -> str:
    return "-" if value is None else f"{value[0]:+.2f} to {value[1]:+.2f}"
