"""Pictures in an HDF5 file: raw frames, or each as a JPEG or PNG of its own, one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import numpy as np

from loopyard.core.specs import CameraSpec
from loopyard.data.importers.hdf5.file import CACHE_BYTES, Hdf5
from loopyard.data.importers.stored import StoredPicture
from loopyard.data.metadata import SAFE_NAME
from loopyard.data.video import MAX_PIXELS

ChannelOrder = Literal["rgb", "bgr"]
JPEG, JPEG_END, PNG = b"\xff\xd8", b"\xff\xd9", b"\x89PNG"


class Pictures:
    """The frames of one camera of one episode.

    file, name: the array, (T, H, W, 3) uint8, or (T, L) uint8 or (T,) byte strings of JPEG or PNG
    files, padded with zeros behind. camera: its name. order: ``bgr`` where red and blue are
    swapped in what is stored, as OpenCV does.

    Raises:
        DatasetError: it is none of these, or its first picture is damaged.
    """

    def __init__(self, file: Hdf5, name: str, camera: str, order: ChannelOrder = "rgb") -> None:
        self._file, self._name, self._order = file, name, order
        self._data = file.dataset(name)
        shape, kind = self._data.shape, self._data.dtype
        if not SAFE_NAME.fullmatch(camera):
            raise file.error(name, camera, "a name of letters, digits, _.-")
        self.count = int(shape[0]) if shape else 0
        if not self.count:
            raise file.error(name, shape, "at least one frame")
        self._raw = kind == np.uint8 and len(shape) == 4 and shape[3] == 3
        if self._raw:
            height, width = int(shape[1]), int(shape[2])
        elif (kind == np.uint8 and len(shape) == 2) or (kind.kind in "OSV" and len(shape) == 1):
            height, width = self._unpacked(self._packed(self._data[0], 0), 0).shape[:2]
        else:
            wanted = "(T, H, W, 3) uint8, or one JPEG or PNG a frame"
            raise file.error(name, f"{kind} {shape}", wanted)
        if not 0 < height * width <= MAX_PIXELS:
            raise file.error(name, f"{width} x {height}", f"1 to {MAX_PIXELS} pixels")
        self.camera = CameraSpec(camera, width, height)

    def __iter__(self) -> Iterator[StoredPicture]:
        """Raises DatasetError at one that is no picture or cut off; its ``rgb`` at other damage."""
        for number, row in enumerate(self._rows()):
            if self._raw:
                yield StoredPicture(partial(self._ordered, row))
                continue
            data = self._packed(row, number)
            same = self._order == "rgb" and data.startswith(JPEG)
            yield StoredPicture(partial(self._unpacked, data, number), data if same else b"")

    def _rows(self) -> Iterator[Any]:
        if self._raw and self._plain_chunks():
            for number in range(self.count):
                # as the chunk lies there: the library's cache would copy it once more
                _, data = self._data.id.read_direct_chunk((number, 0, 0, 0))
                yield np.frombuffer(data, np.uint8).reshape(self._data.shape[1:])
            return
        block = self._block()
        for start in range(0, self.count, block):
            yield from self._data[start : min(start + block, self.count)]

    def _plain_chunks(self) -> bool:
        """Whether each frame is one chunk as it is, as ACT's recorder writes them."""
        packed = self._data.id.get_create_plist().get_nfilters()
        return self._data.chunks == (1, *self._data.shape[1:]) and not packed

    def _block(self) -> int:
        """Frames read at once: as many as one chunk holds, where those fit into the cache."""
        chunks = self._data.chunks
        row_bytes = self._data.dtype.itemsize * int(np.prod(self._data.shape[1:], dtype=np.int64))
        return min(int(chunks[0]), max(1, CACHE_BYTES // max(1, row_bytes))) if chunks else 1

    def _ordered(self, image: np.ndarray) -> np.ndarray:
        return image if self._order == "rgb" else np.ascontiguousarray(image[..., ::-1])

    def _packed(self, row: Any, number: int) -> bytes:
        """The file of a frame, whole at first sight."""
        where = f"{self._name}[{number}]"
        packed = isinstance(row, np.void) or getattr(row, "dtype", None) == np.uint8
        if not packed and not isinstance(row, bytes):
            raise self._file.error(where, type(row).__name__, "the bytes of a JPEG or PNG")
        data = (row if isinstance(row, bytes) else row.tobytes()).rstrip(b"\0")
        if not data.startswith((JPEG, PNG)):
            raise self._file.error(where, f"unknown compression {data[:4]!r}", "JPEG or PNG")
        if data.startswith(JPEG) and not data.endswith(JPEG_END):
            raise self._file.error(where, f"a JPEG cut off at {len(data)} bytes", "a whole one")
        return data

    def _unpacked(self, data: bytes, number: int) -> np.ndarray:
        from PIL import Image

        where = f"{self._name}[{number}]"
        try:
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    found = f"{picture.width} x {picture.height}"
                    raise self._file.error(where, found, f"at most {MAX_PIXELS} pixels")
                picture.load()  # converting copies even what is RGB already
                rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
                pixels = rgb.tobytes("raw", self._order.upper())
                return np.frombuffer(pixels, np.uint8).reshape(rgb.height, rgb.width, 3)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise self._file.error(where, str(error), "a whole JPEG or PNG") from error
