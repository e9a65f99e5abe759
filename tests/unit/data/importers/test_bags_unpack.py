"""Compressed blocks: whole ones come back, larger ones than allowed are never unpacked."""

from __future__ import annotations

import bz2

import lz4.frame
import pytest
from rosbags.rosbag1 import reader as ros1
from rosbags.rosbag1.writer import Writer as Writer1
from rosbags.rosbag2 import storage_mcap

from loopyard.core.errors import DatasetError
from loopyard.data.importers import make_importer
from loopyard.data.importers.bags import unpack
from loopyard.data.importers.bags.unpack import bound_blocks


def test_blocks_of_every_compression_come_back():
    bound_blocks()
    data = bytes(range(256)) * 9
    packed = {
        "bz2": bz2.compress(data),
        "lz4": lz4.frame.compress(data),
        "zstd": vars(storage_mcap)["zstd"].compress(data),
    }
    for name in ("bz2", "lz4"):
        assert ros1.decompressors[name](packed[name]) == data
    for name in ("lz4", "zstd"):
        assert storage_mcap.DECOMPRESSORS[name](packed[name], len(data)) == data
        with pytest.raises(ValueError, match="cut off"):
            storage_mcap.DECOMPRESSORS[name](packed[name][:-6], len(data))
        with pytest.raises(ValueError, match="more than"):
            storage_mcap.DECOMPRESSORS[name](packed[name], len(data) - 1)


def test_a_bomb_is_refused_by_name(bags, tmp_path, monkeypatch):
    writer = Writer1(tmp_path / "drive.bag")
    writer.set_compression(Writer1.CompressionFormat.BZ2)
    with writer:
        bags.write_messages(writer, "ros1", bags.drive(1.0))
    importer = make_importer("bags", tmp_path / "drive.bag", {})
    assert len(list(importer.open(importer.episodes()[0]).frames)) == 10
    monkeypatch.setattr(unpack, "MAX_BLOCK_BYTES", 10_000)
    importer = make_importer("bags", tmp_path / "drive.bag", {})
    with pytest.raises(DatasetError, match=r"drive.bag: bag: .* of more than 10000 bytes"):
        importer.open(importer.episodes()[0])
