"""Numbers that go bad: skip a few batches, roll back once, then give up with the evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from loopyard.core.errors import TrainingError
from loopyard.store.atomic import write_json

MAX_SKIPS = 3
"""Bad batches in a row that are skipped before the run goes back to a checkpoint."""
MAX_ROLLBACKS = 1
ROLLBACK_LR_SCALE = 0.5

Verdict = Literal["step", "skip", "rollback"]


@dataclass
class Guard:
    """Judges the loss and gradient norm of each batch before the optimizer takes it.

    folder: where evidence (``bad-step-NNNNNN.json``: frames of the batch, what torch's generator
    was seeded with, values) is put. bad_steps: grows by each that was bad.
    """

    folder: Path
    seed: int
    bad_steps: list[int] = field(default_factory=list)
    in_a_row: int = 0

    def judge(
        self, step: int, loss: float, grad_norm: float, rows: list[np.ndarray], rollbacks: int
    ) -> Verdict:
        """``step``: the numbers are good. Raises TrainingError after the last rollback failed."""
        if math.isfinite(loss) and math.isfinite(grad_norm):
            self.in_a_row = 0
            return "step"
        self.in_a_row += 1
        self.bad_steps.append(step)
        evidence = self.folder / f"bad-step-{step:06d}.json"
        write_json(
            evidence,
            {
                "step": step,
                "loss": repr(loss),
                "grad_norm": repr(grad_norm),
                "seed": self.seed,
                "torch_seed": torch.initial_seed(),
                "rows": [row.tolist() for row in rows],
            },
        )
        if self.in_a_row <= MAX_SKIPS:
            return "skip"
        if rollbacks < MAX_ROLLBACKS:
            self.in_a_row = 0
            return "rollback"
        raise TrainingError(
            f"{evidence}: loss: found {loss!r} with gradient norm {grad_norm!r} in {self.in_a_row} "
            f"batches in a row after {rollbacks} rollback, expected finite numbers; lower the "
            "learning rate or look at these frames"
        )
