"""log.jsonl and loss.svg: how a run went, as data and as a picture."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from loopyard.store.atomic import write_text

Row = dict[str, Any]

LOG = "log.jsonl"


class Journal:
    """Rows of ``log.jsonl``, appended as they come; a resumed run drops rows past its step."""

    def __init__(self, path: Path, *, resume_step: int | None):
        self.path = path
        self.rows: list[Row] = []
        if resume_step is not None and path.exists():
            self.rows = [row for row in read_journal(path) if row["step"] <= resume_step]
        write_text(path, "".join(json.dumps(row) + "\n" for row in self.rows))

    def add(self, row: Row) -> None:
        """Append one row; on disk when this returns, though not yet proof against a power cut."""
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def sync(self) -> None:
        """Make the rows durable; called with each checkpoint."""
        with self.path.open("a") as file:
            os.fsync(file.fileno())

    def draw(self, path: Path) -> None:
        """Write the loss curve as an SVG."""
        draw_loss(self.rows, path)


def read_journal(path: Path) -> list[Row]:
    """The whole rows of a log; a torn last line is left out."""
    rows: list[Row] = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def seconds_used(path: Path) -> float:
    """How much of its budget a run has used, by its log; 0 where there is none."""
    rows = read_journal(path) if path.exists() else []
    return max((row["seconds"] for row in rows), default=0.0)


def draw_loss(rows: list[Row], path: Path) -> None:
    """Training and validation loss against steps, logarithmic."""
    import io

    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], lw=1, label="training")
    checked = [row for row in rows if row.get("val_loss") is not None]
    if checked:
        axes.plot(
            [row["step"] for row in checked],
            [row["val_loss"] for row in checked],
            marker="o",
            ms=3,
            lw=1,
            label="validation",
        )
    axes.set(xlabel="step", ylabel="L1, normalised units")
    if any(row["loss"] > 0 for row in rows):
        axes.set_yscale("log")
        # plain numbers: powers of ten would be set as formulas, which takes half a second
        axes.yaxis.set_major_formatter("{x:.3g}")
        low, high = axes.get_ylim()
        axes.yaxis.set_minor_formatter("{x:.3g}" if high < 10 * low else NullFormatter())
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend(frameon=False)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    write_text(path, drawn.getvalue())
