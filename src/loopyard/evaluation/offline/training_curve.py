"""A training's journal in stretches: improvement, the gap to validation, and named phases.

The rule of the phases. A stretch is an epoch, or a tenth of the run where it has fewer than five
epochs. Its loss is the mean of the training losses logged in it; its improvement the share by which
that is below the stretch before (of the first, below the first row). From the mean improvement of
the stretches around one (a fifth of the run, at least three; else noise would name the phases):

    descent      over 10 %
    refinement   2 to 10 %
    plateau      within 2 %
    divergence   worse by over 2 %

and a stretch that still improves or is on a plateau while the validation loss stands over 2 % above
the best one before it is ``overfitting``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.training.journal import Row, read_journal

DESCENT, SETTLED = 0.10, 0.02
LEAST_EPOCHS = 5
TENTHS = 10


@dataclass(frozen=True)
class Stretch:
    """An epoch or a tenth of a run, ending at step ``end``. val_loss: its last one, where any.

    improvement: share by which the loss is below the stretch before.
    """

    end: int
    loss: float
    val_loss: float | None
    improvement: float
    phase: str


@dataclass(frozen=True)
class TrainingCurve:
    """A journal, read. unit: what a stretch is, ``epoch`` or ``tenth of the run``."""

    path: Path
    rows: list[Row]
    unit: str
    stretches: list[Stretch]

    @property
    def phases(self) -> list[tuple[str, int, int]]:
        """(name, first step, last step) of stretches of one phase in a row."""
        found: list[tuple[str, int, int]] = []
        start = 0
        for part in self.stretches:
            if found and found[-1][0] == part.phase:
                found[-1] = (part.phase, found[-1][1], part.end)
            else:
                found.append((part.phase, start, part.end))
            start = part.end
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "journal": str(self.path),
            "unit": self.unit,
            "phases": [{"phase": name, "from": a, "to": b} for name, a, b in self.phases],
            "stretches": [part.__dict__ for part in self.stretches],
        }


def read_curve(path: Path, steps_an_epoch: float) -> TrainingCurve | None:
    """The journal at ``path``; None where there is none, or not two rows of it."""
    rows = read_journal(path) if path.is_file() else []
    rows = [row for row in rows if isinstance(row.get("loss"), int | float) and row["step"] > 0]
    if len(rows) < 2:
        return None
    last = rows[-1]["step"]
    by_epoch = steps_an_epoch > 0 and last / steps_an_epoch >= LEAST_EPOCHS
    width = steps_an_epoch if by_epoch else last / TENTHS
    return TrainingCurve(
        path, rows, "epoch" if by_epoch else "tenth of the run", _stretches(rows, width)
    )


def gap_at(rows: Sequence[Row], step: int) -> tuple[float, float] | None:
    """(training, validation) loss of the last validation up to ``step``."""
    checked = [row for row in rows if row.get("val_loss") is not None and row["step"] <= step]
    return (checked[-1]["loss"], checked[-1]["val_loss"]) if checked else None


def _stretches(rows: Sequence[Row], width: float) -> list[Stretch]:
    parts: list[tuple[int, float, float | None]] = []
    last = rows[-1]["step"]
    count = max(1, round(last / width))
    for number in range(count):
        start, end = number * width, last if number == count - 1 else (number + 1) * width
        part = [row for row in rows if start < row["step"] <= end]
        if part:  # else nothing was logged in it
            loss = float(np.mean([row["loss"] for row in part]))
            checked = [row["val_loss"] for row in part if row.get("val_loss") is not None]
            parts.append((round(end), loss, checked[-1] if checked else None))
    losses = np.array([rows[0]["loss"], *(loss for _, loss, _ in parts)])
    improved = 1 - losses[1:] / np.maximum(losses[:-1], 1e-12)
    around = max(1, len(parts) // 10)
    found, best = [], None
    for place, (end, loss, val_loss) in enumerate(parts):
        smooth = float(improved[max(0, place - around) : place + around + 1].mean())
        phase = _phase(smooth, val_loss, best)
        found.append(Stretch(end, loss, val_loss, float(improved[place]), phase))
        best = min([value for value in (best, val_loss) if value is not None], default=None)
    return found


def _phase(improvement: float, val_loss: float | None, best: float | None) -> str:
    if improvement < -SETTLED:
        return "divergence"
    if val_loss is not None and best is not None and val_loss > best * (1 + SETTLED):
        return "overfitting"
    if improvement > DESCENT:
        return "descent"
    return "refinement" if improvement > SETTLED else "plateau"
