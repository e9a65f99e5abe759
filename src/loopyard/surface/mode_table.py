"""Results by failure mode as a table: success with n and interval, safety violations apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from loopyard.surface.text_table import text_table

NONE = "-"


def mode_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """rows: ``id`` beside what `ModeResult.to_dict` gives; ``generated`` and ``passed`` where they
    are known."""
    several = list(rows)
    known = [name for name in ("generated", "passed") if several and name in several[0]]
    headers = ["mode", *known, "succeeded", "rate", "Wilson 95 %", "unsafe drives", "violations"]
    return text_table(
        headers,
        [[row["id"], *(_plain(row[name]) for name in known), *_result(row)] for row in several],
        right=range(1, len(headers) - 1),
    )


def _result(row: Mapping[str, Any]) -> list[str]:
    if not row["n"]:
        return [NONE] * 5
    low, high = row["wilson_95"]
    kinds = ", ".join(f"{name} {count}" for name, count in row["events"].items())
    return [
        f"{row['successes']} of {row['n']}",
        f"{row['rate']:.0%}",
        f"{low:.0%} to {high:.0%}",
        f"{row['violations']}",
        kinds.replace("_", " "),
    ]


def _plain(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
