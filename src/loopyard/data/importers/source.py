"""Files of a source: found in order, and never outside it."""

from __future__ import annotations

from pathlib import Path

from loopyard.core.errors import DatasetError, expected


def files_of(source: Path, patterns: tuple[str, ...], form: str) -> list[Path]:
    """The source itself where it is a file, else every file in it that matches, sorted by name.

    Numbers in names count as numbers: ``episode_2`` comes before ``episode_10``.

    Raises:
        DatasetError: there is none, or a link leads outside the source.
    """
    if source.is_file():
        return [source]
    found = {path for pattern in patterns for path in source.glob(pattern) if path.is_file()}
    if not found:
        raise DatasetError(expected(str(source), " or ".join(patterns), "none", form))
    for path in found:
        require_inside(source, path)
    return sorted(found, key=lambda path: natural(path.relative_to(source).as_posix()))


def require_inside(source: Path, path: Path) -> None:
    """Raises DatasetError where ``path`` is a link that leads out of the source's folder."""
    folder = source if source.is_dir() else source.parent
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(
            expected(str(path), "link", str(path.resolve()), f"something inside {folder}")
        )


def natural(name: str) -> tuple[tuple[int, str | int], ...]:
    """A sort key by which numbers in a name count as numbers."""
    import re

    parts = re.split(r"(\d+)", name)
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts if part)
