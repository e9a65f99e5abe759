"""Which checkpoint of a training goes on: the one that drives best on scenes of select."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loopyard.evaluation.result import Evaluation

Drive = Callable[[Path, Path], Evaluation]
"""Drives a checkpoint and keeps the drives in a folder; what is there is not driven again."""


def best_driver(checkpoints: Sequence[Path], drive: Drive, folder: Path) -> dict[str, Any]:
    """The summary of the checkpoint that succeeds most often, its name, and how all did.

    Of equal ones the first is taken. The drives of each are kept in ``folder/select/<name>``, those
    of the best in ``folder/rollouts`` as well, as if it had been the only one.
    """
    best, more = checkpoints[0], {}
    if len(checkpoints) > 1:
        found = {each: drive(each, folder / "select" / each.name) for each in checkpoints}
        best = max(checkpoints, key=lambda each: found[each].successes)
        shutil.copytree(folder / "select" / best.name, folder / "rollouts", dirs_exist_ok=True)
        rows = [(each.name, one) for each, one in found.items()]
        more = {"candidates": [{"checkpoint": name, **_rate(one)} for name, one in rows]}
    summary = drive(best, folder / "rollouts").summary()
    return {**summary, "checkpoint": best.name, **more}


def _rate(found: Evaluation) -> dict[str, Any]:
    low, high = found.wilson_95
    return {
        "n": found.n,
        "successes": found.successes,
        "rate": found.success_rate,
        "wilson_95": [low, high],
    }
