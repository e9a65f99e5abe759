"""Forms of HDF5 with one file an episode: which files there are, and whether they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from loopyard.data.importers.hdf5.file import PATTERNS
from loopyard.data.importers.hdf5.probe import require_readable
from loopyard.data.importers.importer import EpisodeRef
from loopyard.data.importers.source import files_of


class OneFileAnEpisode:
    """The half of an `Importer` that needs no look into a file. wanted: what they are, in words."""

    wanted: ClassVar[str]

    def __init__(self, source: Path) -> None:
        self._source = source

    def check(self) -> None:
        require_readable(self._files())

    def episodes(self) -> Sequence[EpisodeRef]:
        folder = self._source if self._source.is_dir() else self._source.parent
        return [EpisodeRef(path.relative_to(folder).as_posix(), path) for path in self._files()]

    def _files(self) -> list[Path]:
        return files_of(self._source, PATTERNS, self.wanted)
