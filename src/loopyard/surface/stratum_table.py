"""Success by stratum as a table: each part of the strata by itself, with n and interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loopyard.surface.text_table import text_table


def stratum_table(strata: Mapping[str, Mapping[str, Any]]) -> str:
    """strata: as `Evaluation.summary` has them. Parts that are the same in all drives are left out;
    empty where nothing differs."""
    rows = []
    for part, values in strata.items():
        for value, row in values.items() if len(values) > 1 else ():
            low, high = row["wilson_95"]
            told = f"{row['successes']} of {row['n']}", f"{row['rate']:.0%}"
            rows.append((part, value, *told, f"{low:.0%} to {high:.0%}"))
    headers = ["stratum", "", "succeeded", "rate", "Wilson 95 %"]
    return text_table(headers, rows, right=(2, 3)) if rows else ""
