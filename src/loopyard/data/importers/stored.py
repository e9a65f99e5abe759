"""Pictures as a recording stores them: unpacked only where somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StoredPicture:
    """One picture. rgb: gives it as (H, W, 3) uint8 RGB, or raises DatasetError where it is
    damaged. jpeg: the file that it is, where it is one; empty otherwise."""

    rgb: Callable[[], np.ndarray]
    jpeg: bytes = b""


class StoredPictures(Mapping[str, np.ndarray]):
    """Images by camera name, each unpacked when it is asked for. jpegs: those that are files."""

    def __init__(self, stored: Mapping[str, StoredPicture]) -> None:
        self._stored = stored
        self.jpegs = {name: picture.jpeg for name, picture in stored.items() if picture.jpeg}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._stored[name].rgb()

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def __contains__(self, name: object) -> bool:
        return name in self._stored
