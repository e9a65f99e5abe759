"""All rows of a dataset, a few thousand at a time: memory stays the same however many there are."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from loopyard.core.errors import DatasetError
from loopyard.data.columns import to_numpy
from loopyard.data.dataset import Dataset
from loopyard.data.parquet_file import DATA_ERRORS, damaged, open_parquet

BATCH_ROWS = 8192
BATCH_VALUES = 4_000_000
"""Of a column: fewer rows at a time where each holds many numbers."""


@dataclass(frozen=True)
class Piece:
    """Frames of one episode that were read together.

    row: of the first one, in the dataset. tick: the same in its episode. values: {column:
    (n, size) or (n,) numbers}; a missing number is NaN. Text comes as (n,) objects.
    """

    episode: int
    row: int
    tick: int
    values: dict[str, np.ndarray]

    @property
    def count(self) -> int:
        return len(next(iter(self.values.values()), ()))


@dataclass
class Reader:
    """Reads the rows and remembers what could not be read.

    damaged: files, with the reason. misfits: columns whose numbers do not fit their shape.
    """

    dataset: Dataset
    damaged: dict[Path, str] = field(default_factory=dict)
    misfits: dict[str, str] = field(default_factory=dict)

    def numeric(self) -> list[str]:
        """Every column of numbers."""
        features = self.dataset.info["features"]
        return [name for name in self.dataset.column_names if features[name]["dtype"] != "string"]

    def pieces(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Every row of every file that can be read, cut where an episode ends."""
        start = 0
        starts = [entry.from_index for entry in self.dataset.episodes]
        for path in self.dataset.data_files:
            try:
                rows = open_parquet(path).metadata.num_rows
                yield from self._of_file(path, columns, start, starts)
            except DatasetError as error:
                self.damaged[path] = str(error)
                rows = self._rows_told(path)
            start += rows

    def _rows_told(self, path: Path) -> int:
        try:
            return open_parquet(path).metadata.num_rows
        except DatasetError:
            return 0

    def _of_file(
        self, path: Path, columns: Sequence[str], row: int, starts: list[int]
    ) -> Iterator[Piece]:
        file = open_parquet(path)
        widest = max(math.prod(self._shape(name)) for name in columns)
        size = max(1, min(BATCH_ROWS, BATCH_VALUES // widest))
        try:
            for batch in file.iter_batches(size, columns=list(columns), use_threads=False):
                values = self._arrays(path, batch, columns)
                yield from self._cut(values, len(batch), row, starts)
                row += len(batch)
        except DATA_ERRORS as error:
            raise damaged(path, error) from error

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple(int(side) for side in self.dataset.info["features"][name]["shape"])

    def _arrays(
        self, path: Path, batch: pa.RecordBatch, columns: Sequence[str]
    ) -> dict[str, np.ndarray]:
        found = {}
        for name in columns:
            if name not in batch.schema.names:
                self.misfits.setdefault(name, f"{path}: no such column")
                continue
            try:
                column = batch.column(name)
                text = self.dataset.info["features"][name]["dtype"] == "string"
                found[name] = (
                    np.array(column.to_pylist(), object)
                    if text
                    else numbers(column, self._shape(name))
                )
            except (ValueError, TypeError, pa.ArrowException) as error:
                self.misfits.setdefault(name, f"{path}: {error}")
        return found

    def _cut(
        self, values: dict[str, np.ndarray], count: int, row: int, starts: list[int]
    ) -> Iterator[Piece]:
        done = 0
        while done < count:
            episode = bisect_right(starts, row + done) - 1
            entry = self.dataset.episodes[episode]
            take = min(count - done, entry.to_index - (row + done))
            if take <= 0:
                return  # more rows than episodes
            part = {name: array[done : done + take] for name, array in values.items()}
            yield Piece(episode, row + done, row + done - entry.from_index, part)
            done += take


def numbers(column: pa.Array, shape: tuple[int, ...]) -> np.ndarray:
    """As `to_numpy`, with NaN where a plain value is missing. Raises ValueError or TypeError."""
    if pa.types.is_nested(column.type):
        array = to_numpy(pa.chunked_array([column]), shape)
    else:
        array = column.to_numpy(zero_copy_only=False)
        array = array.reshape(len(column), *shape) if shape != (1,) else array
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{column.type}, not numbers")
    return array
