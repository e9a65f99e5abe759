"""HDF5 files of others, read without trust: this file only, no more than it holds, known filters.

An HDF5 file may link to other files, keep its numbers in other files, and declare a shape of any
size whatever it holds; a chunk may unpack to gigabytes. All of that is refused before it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.core.errors import ConfigError, DatasetError, expected

if TYPE_CHECKING:
    import h5py

CACHE_BYTES = 32 * 1024 * 1024
"""Of unpacked chunks, so that a chunk of several frames is unpacked once."""
MAX_CHUNK_BYTES = 256 * 1024 * 1024
MAX_NUMBERS = 64 * 1024 * 1024
"""Of one array of states or actions; images are read frame by frame instead."""
MAX_PACKED = 1100
"""Deflate packs at most 1032 to 1; what claims more is not there."""
MAX_TEXT_BYTES = 16 * 1024 * 1024
PATTERNS = ("**/*.hdf5", "**/*.h5")


def require_h5py() -> Any:
    """The library. Raises ConfigError naming the extra where it is not installed."""
    try:
        import h5py
    except ImportError as error:
        raise ConfigError(
            "HDF5: found no h5py, expected it installed: pip install 'loopyard[hdf5]'"
        ) from error
    return h5py


@contextmanager
def open_hdf5(path: Path) -> Iterator[Hdf5]:
    """An HDF5 file, open for reading.

    Raises:
        ConfigError: h5py is not installed. DatasetError: it is no HDF5 file, or damaged, here or
            wherever it is read inside the block.
    """
    h5py = require_h5py()
    try:
        with h5py.File(path, "r", locking=False, rdcc_nbytes=CACHE_BYTES) as file:
            yield Hdf5(path, file)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise DatasetError(expected(str(path), "HDF5", str(error), "a whole HDF5 file")) from error


class Hdf5:
    """What may be asked of an open file; every answer is checked. Names are paths in the file."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path, self._file = path, file

    def error(self, name: str, found: object, wanted: object) -> DatasetError:
        return DatasetError(expected(str(self.path), name, found, wanted))

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def keys(self, name: str) -> list[str]:
        """The names in a group. Raises DatasetError where there is none."""
        import h5py

        group = self._find(name)
        if not isinstance(group, h5py.Group):
            raise self.error(name, "nothing" if group is None else "a dataset", "a group")
        return list(group)

    def attribute(self, name: str, key: str) -> Any:
        """An attribute of a group, as a plain value; None where there is none."""
        found = self._find(name)
        if found is None or key not in found.attrs:
            return None
        if found.attrs.get_id(key).get_storage_size() > MAX_TEXT_BYTES:
            raise self.error(f"{name}@{key}", "too much", f"at most {MAX_TEXT_BYTES} bytes")
        value = found.attrs[key]
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        return value.tolist() if isinstance(value, np.generic | np.ndarray) else value

    def json(self, name: str, key: str) -> dict[str, Any]:
        """An attribute that holds a JSON object; empty where there is none."""
        text = self.attribute(name, key)
        try:
            value = json.loads(text) if text is not None else {}
        except (ValueError, TypeError, RecursionError) as error:
            raise self.error(f"{name}@{key}", str(error), "JSON") from error
        if not isinstance(value, dict):
            raise self.error(f"{name}@{key}", type(value).__name__, "a JSON object")
        return value

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(int(side) for side in self.dataset(name).shape)

    def numbers(self, name: str, columns: int | None = None) -> np.ndarray:
        """A (T, C) or (T,) array as float32 (T, C); reads it whole.

        Raises:
            DatasetError: it is missing, no numbers, empty, too large, or of another width.
        """
        dataset = self.dataset(name)
        if dataset.dtype.kind not in "fiub" or len(dataset.shape) not in (1, 2):
            found = f"{dataset.dtype} {dataset.shape}"
            raise self.error(name, found, "numbers, one row a frame")
        if not 0 < int(dataset.size or 0) <= MAX_NUMBERS:
            raise self.error(name, dataset.shape, f"1 to {MAX_NUMBERS} numbers")
        values = dataset[()].astype(np.float32).reshape(dataset.shape[0], -1)
        if columns is not None and values.shape[1] != columns:
            raise self.error(name, f"{values.shape[1]} columns", columns)
        return values

    def texts(self, name: str) -> list[str]:
        """A (T,) array of strings, or of whole numbers as text."""
        dataset = self.dataset(name)
        if len(dataset.shape) != 1 or not 0 < int(dataset.size or 0) <= MAX_NUMBERS:
            raise self.error(name, dataset.shape, "one text a frame")
        return [
            value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            for value in dataset[()]
        ]

    def dataset(self, name: str) -> h5py.Dataset:
        """An array, checked for what it claims; nothing of it is read yet."""
        import h5py

        found = self._find(name)
        if not isinstance(found, h5py.Dataset):
            raise self.error(name, "nothing" if found is None else "a group", "an array")
        if found.shape is None:
            raise self.error(name, "an empty dataspace", "an array")
        if found.is_virtual or found.external:
            raise self.error(name, "numbers kept in other files", "an array of this file")
        self._check_filters(name, found)
        self._check_size(name, found)
        return found

    def _find(self, name: str) -> Any:
        """A group or array, step by step, and never through a link."""
        import h5py

        found: Any = self._file
        for step in name.strip("/").split("/"):
            if not isinstance(found, h5py.Group) or step not in found.keys():  # noqa: SIM118
                return None
            link = found.get(step, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise self.error(name, type(link).__name__, "no link")
            found = found[step]
        return found

    def _check_filters(self, name: str, dataset: h5py.Dataset) -> None:
        import h5py

        properties = dataset.id.get_create_plist()
        for place in range(properties.get_nfilters()):
            code, _, _, label = properties.get_filter(place)
            if not h5py.h5z.filter_avail(code):
                found = f"filter {code} {label.decode(errors='replace')!r}"
                raise self.error(name, f"unknown compression: {found}", "gzip, lzf or none")

    def _check_size(self, name: str, dataset: h5py.Dataset) -> None:
        stored, claimed = dataset.id.get_storage_size(), dataset.size * dataset.dtype.itemsize
        packed = MAX_PACKED if dataset.id.get_create_plist().get_nfilters() else 1
        if claimed > stored * packed:
            raise self.error(
                name, f"{dataset.shape} in {stored} bytes", "as many bytes as its shape needs"
            )
        if (
            dataset.chunks
            and (size := int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize)
            > MAX_CHUNK_BYTES
        ):
            raise self.error(name, f"chunks of {size} bytes", f"at most {MAX_CHUNK_BYTES}")
