"""Parquet files of a dataset, opened without trust.

A footer may declare anything. Rows are bounded by the file's size and text by its longest value, so
that a small file cannot ask for all the memory or time there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loopyard.core.errors import DatasetError, expected

MAGIC = b"PAR1"
ROWS_OF_ANY_FILE = 100_000
ROWS_PER_BYTE = 2
"""The columns that count frames and tell their time take more than half a byte a row, whatever the
compression."""
MAX_VALUES_A_ROW = 1_000_000
MAX_FOOTER_BYTES = 64 * 1024 * 1024
MAX_TEXT_BYTES = 65_536
"""Of one task's instruction, for example."""
MAX_META_BYTES = 256 * 1024 * 1024
"""Of the columns of a table that is read whole; those of frames are streamed."""

UNFINISHED = (
    "a footer (its recorder was killed before it finalized the file: its frames are lost; "
    "record these episodes again, or let 'loopyard audit --fix' keep the others)"
)


def open_parquet(path: Path, text: Sequence[str] = ()) -> pq.ParquetFile:
    """A Parquet file whose footer declares what its bytes can hold.

    text: paths of columns that are read as dictionaries, so that no text is repeated in memory.

    Raises:
        DatasetError: missing, without a footer, damaged, or declaring too much.
    """
    if unfinished(path):
        raise DatasetError(expected(str(path), "end of file", "no footer", UNFINISHED))
    try:
        file = pq.ParquetFile(
            path,
            read_dictionary=list(text),
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=1_000_000,
        )
        _require_plausible(path, file.metadata)
    except DATA_ERRORS as error:
        raise damaged(path, error) from error
    return file


DATA_ERRORS = (OSError, pa.ArrowException, ValueError, MemoryError, UnicodeDecodeError)
"""What reading a damaged Parquet file may raise."""


def damaged(path: Path, error: BaseException) -> DatasetError:
    """The named error for whatever Arrow raised."""
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return DatasetError(expected(str(path), "parquet", reason, "a whole file"))


def unfinished(path: Path) -> bool:
    """Does it begin as a Parquet file and not end as one? So a killed writer leaves it."""
    try:
        with path.open("rb") as file:
            begins = file.read(4) == MAGIC
            file.seek(0, 2)
            size = file.tell()
            file.seek(max(0, size - 4))
            return size == 0 or (begins and (size < 12 or file.read(4) != MAGIC))
    except OSError:
        return False


def _require_plausible(path: Path, metadata: pq.FileMetaData) -> None:
    most = ROWS_OF_ANY_FILE + ROWS_PER_BYTE * path.stat().st_size
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = sum(group.num_rows for group in groups)
    if not 0 <= metadata.num_rows <= most or rows != metadata.num_rows:
        raise DatasetError(
            expected(str(path), "declared rows", metadata.num_rows, f"at most {most}, of {rows}")
        )


def read_rows(path: Path, without: str = "", only: str = "") -> list[dict[str, Any]]:
    """A small table as a list of rows; text is held once however often it is repeated.

    without, only: columns whose name begins so are left out, or alone are read.

    Raises:
        DatasetError: as `open_parquet`, or a column that is too large to be metadata.
    """
    file = open_parquet(path)
    try:
        arrow = file.schema_arrow
        names = [
            name
            for name in arrow.names
            if name.startswith(only) and not (without and name.startswith(without))
        ]
        text = _text_columns(file, set(names))
        _require_small(path, file.metadata)
        table = open_parquet(path, text).read(names, use_threads=False)
        columns = {name: _values(path, name, table.column(name)) for name in names}
    except DATA_ERRORS as error:
        raise damaged(path, error) from error
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _text_columns(file: pq.ParquetFile, names: set[str]) -> list[str]:
    found = []
    for place in range(len(file.schema)):
        column = file.schema.column(place)
        if column.physical_type == "BYTE_ARRAY" and column.path.split(".list.")[0] in names:
            found.append(column.path)
    return found


def _require_small(path: Path, metadata: pq.FileMetaData) -> None:
    # Of the whole row groups: Arrow aborts where a single column's facts are damaged.
    groups = range(metadata.num_row_groups)
    total = sum(metadata.row_group(number).total_byte_size for number in groups)
    if not 0 <= total <= MAX_META_BYTES:
        raise DatasetError(
            expected(str(path), "declared size", total, f"at most {MAX_META_BYTES} bytes")
        )


def _values(path: Path, name: str, column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = []
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type):
            values += _looked_up(path, name, chunk)
        elif pa.types.is_list(chunk.type) and pa.types.is_dictionary(chunk.type.value_type):
            inner = _looked_up(path, name, chunk.values)
            offsets = chunk.offsets.to_pylist()
            values += [inner[start:end] for start, end in pairwise(offsets)]
        else:
            values += chunk.to_pylist()
    return values


def _looked_up(path: Path, name: str, chunk: Any) -> list[Any]:
    words = chunk.dictionary.to_pylist()
    longest = max(map(len, words), default=0)
    if longest > MAX_TEXT_BYTES:
        raise DatasetError(
            expected(str(path), f"bytes of a {name}", longest, f"at most {MAX_TEXT_BYTES}")
        )
    return [None if place is None else words[place] for place in chunk.indices.to_pylist()]
