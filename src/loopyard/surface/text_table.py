"""A table in plain text, for people and for logs."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def text_table(
    headers: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()
) -> str:
    """Columns as wide as their widest cell; ``right``: the columns of numbers, to the right."""
    lines = [list(map(str, headers)), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]

    def cell(text: str, column: int) -> str:
        return text.rjust(widths[column]) if column in right else text.ljust(widths[column])

    return "\n".join(
        GAP.join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines
    )
