"""Defects of integrity."""

from __future__ import annotations

import numpy as np

from defects.defect import Defect, change_column

INTEGRITY: list[Defect] = [
    Defect(
        "NaN in an action",
        "finite: action",
        lambda root: change_column(root, "action", lambda v: v.__setitem__((5, 0), np.nan)),
    ),
]
