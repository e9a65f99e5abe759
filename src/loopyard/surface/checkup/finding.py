"""Finding: one thing looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. advice: what to do, empty where all is well."""

    name: str
    status: Status
    found: str
    advice: str = ""


def describe(finding: Finding) -> str:
    """One line, and the advice below it."""
    mark = finding.status.upper() if finding.status != "ok" else "ok"
    line = f"{mark:<5} {finding.name:<10} {finding.found}"
    return f"{line}\n{'':<17}{finding.advice}" if finding.advice else line
