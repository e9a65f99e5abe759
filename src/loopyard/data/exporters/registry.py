"""Exporters by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loopyard.core.errors import ConfigError, expected
from loopyard.data.dataset import Dataset

FORMATS = ("raw",)


def export_dataset(
    name: str, dataset: Dataset, out: Path, on_episode: Callable[[int], None] | None = None
) -> Path:
    """Write ``dataset`` to ``out`` in a form of FORMATS; the same call goes on where it stopped.

    Raises:
        ConfigError: no such form. DatasetError: ``out`` holds something else, or the dataset is
            damaged.
    """
    if name == "raw":
        from loopyard.data.exporters.raw import export_raw

        return export_raw(dataset, out, on_episode)
    raise ConfigError(expected("export", "format", name, f"one of {', '.join(FORMATS)}"))
