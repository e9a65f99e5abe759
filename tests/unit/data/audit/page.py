"""The tables of docs/audit-a-dataset.md, made from the code: run this file to write them anew."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from defects import DEFECTS

from loopyard.data.audit.thresholds import table

PAGE = Path(__file__).parents[4] / "docs" / "audit-a-dataset.md"


def defects_table() -> str:
    lines = ["| planted | found by the check |", "|---|---|"]
    for defect in DEFECTS:
        warns = "" if defect.verdict == "fail" else ", a warning"
        deep = " (`--thorough`)" if defect.thorough else ""
        lines.append(f"| {defect.what} | `{defect.check}`{warns}{deep} |")
    return "\n".join(lines)


TABLES = {"thresholds": table, "defects": defects_table}


def written(text: str) -> str:
    """The page with every table as the code has it."""
    for name, make in TABLES.items():
        start, end = f"<!-- {name}: written by tests/unit/data/audit/page.py -->", "<!-- end -->"
        pattern = re.escape(start) + ".*?" + re.escape(end)
        block = f"{start}\n\n{make()}\n\n{end}"
        text, found = re.subn(pattern, lambda _, block=block: block, text, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"{PAGE.name}: found {found} times '{start}', expected once")
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
