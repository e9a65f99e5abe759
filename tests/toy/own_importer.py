"""An importer of a user's own: one CSV file an episode, a state and an action a line, no camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.importers import EpisodeRef, Frame, NoParams, Recording

SPEC = WorldSpec(
    world="csv",
    preset="",
    fps=10,
    max_steps=100,
    task="follow the line",
    state=VectorSpec((Channel("offset"),)),
    action=VectorSpec((Channel("steering"),)),
    cameras=(),
)


class CsvImporter:
    name = "csv"
    Params = NoParams

    def __init__(self, source: Path, params: NoParams) -> None:
        self.source = source

    def episodes(self) -> list[EpisodeRef]:
        return [EpisodeRef(path.name, path) for path in sorted(self.source.glob("*.csv"))]

    def open(self, ref: EpisodeRef) -> Recording:
        return Recording(SPEC, self.frames(ref.path))

    def frames(self, path: Path):
        with path.open() as file:
            for number, line in enumerate(file):
                offset, steering = np.array(line.split(","), np.float32)
                yield Frame(number / SPEC.fps, {}, np.array([offset]), np.array([steering]))
