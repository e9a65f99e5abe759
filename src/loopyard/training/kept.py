"""Which checkpoints of a run stay beside ``last`` and ``best``: the newest numbered ones
(``step_001000``), and those of lowest held-out loss (``top_000500``), from which rollouts choose.

Nothing goes that the newest ``last`` still speaks of: a run that is killed goes on from there.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Collection
from pathlib import Path

LAST, BEST = "last", "best"
STEP, TOP = "step_", "top_"
REMOVED = ".removed"

Top = list[tuple[float, int]]
"""(held-out loss, step) of the best checkpoints, the lowest loss first."""


def top_name(step: int) -> str:
    return f"{TOP}{step:06d}"


def ranked(top: Top, loss: float, step: int, keep: int) -> Top | None:
    """The ``keep`` best with this one among them, or None where it is not. Of equal ones the
    earlier stays."""
    if not math.isfinite(loss) or any(step == known for _, known in top):
        return None
    best = sorted([*top, (loss, step)])[:keep]
    return best if (loss, step) in best else None


def thin(out: Path, keep: int, top: Top, in_use: Collection[Path] = ()) -> None:
    """Remove numbered checkpoints but the newest ``keep``, and those of ``top_`` that are not among
    the best any more; one that is in use goes another time."""
    numbered = sorted(path for path in out.glob(f"{STEP}*") if path.is_dir())
    best = {top_name(step) for _, step in top}
    former = [path for path in out.glob(f"{TOP}*") if path.is_dir() and path.name not in best]
    for path in [*numbered[: max(0, len(numbered) - keep)], *former]:
        if path not in in_use:
            remove_whole(path)
    for path in out.glob(f".*{REMOVED}"):  # of a run that was killed while it removed them
        shutil.rmtree(path, ignore_errors=True)


def remove_whole(folder: Path) -> None:
    """Remove a checkpoint so that nobody finds half of it: its name goes first."""
    doomed = folder.with_name(f".{folder.name}{REMOVED}")
    shutil.rmtree(doomed, ignore_errors=True)
    folder.rename(doomed)
    shutil.rmtree(doomed)


def candidates(out: Path) -> list[Path]:
    """The checkpoints of a training from which rollouts choose: ``last``, then the best by held-out
    loss, the lowest first; one of the same step as an earlier one is left out."""
    from loopyard.policies.checkpoint import read_json

    def facts(folder: Path) -> tuple[float, int]:
        told = read_json(folder / "training.json")
        return float(told.get("val_loss") or 0.0), int(told.get("step", -1))

    top = sorted((path for path in out.glob(f"{TOP}*") if path.is_dir()), key=facts)
    found: dict[int, Path] = {}
    for folder in [out / LAST, *top]:
        found.setdefault(facts(folder)[1], folder)
    return list(found.values())
