"""Compressed blocks of a bag, unpacked within a bound; rosbags itself unpacks whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MAX_BLOCK_BYTES = 256 * 1024 * 1024
"""Of one block, unpacked. Recorders write blocks of about 1 MiB."""


def bound_blocks() -> None:
    """Replace rosbags' tables of decompressors by bounded ones; doing so again changes nothing."""
    from bz2 import BZ2Decompressor

    from lz4.frame import LZ4FrameDecompressor
    from rosbags.rosbag1 import reader as ros1
    from rosbags.rosbag2 import storage_mcap

    zstd: Any = vars(storage_mcap)["zstd"]  # Python's own or the backport
    blocks_of_ros1: dict[str, Any] = ros1.decompressors
    blocks_of_ros1 |= {"bz2": bounded(BZ2Decompressor), "lz4": bounded(LZ4FrameDecompressor)}
    blocks_of_mcap: dict[str, Any] = storage_mcap.DECOMPRESSORS
    blocks_of_mcap |= {
        "lz4": bounded(LZ4FrameDecompressor),
        "zstd": bounded(zstd.ZstdDecompressor),
    }


def bounded(decompressor: Callable[[], Any]) -> Callable[..., bytes]:
    """A function of packed bytes, and of how many they should become, that gives no more than
    MAX_BLOCK_BYTES. It raises ValueError where there would be more, or the data is cut off."""

    def unpack(data: bytes, size: int = MAX_BLOCK_BYTES) -> bytes:
        whole = decompressor()
        found = whole.decompress(data, max(1, min(size, MAX_BLOCK_BYTES)))
        if not whole.eof:
            raise ValueError(f"a block that is cut off, or of more than {MAX_BLOCK_BYTES} bytes")
        return found

    return unpack
