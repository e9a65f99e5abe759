"""The index of an MP4 file, looked at before a decoder trusts it.

Boxes: ISO/IEC 14496-12. A decoder makes room for as many samples as an index declares; a box of 20
bytes may declare four thousand million of one size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

FOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf"}
MAX_BOXES = 100_000
ENTRY_BYTES = {b"stts": 8, b"ctts": 8, b"stsc": 12, b"stss": 4, b"stco": 4, b"co64": 8}
"""Size of an entry in boxes of the form: version, count, entries."""


def index_problem(path: Path) -> tuple[str, str]:
    """(kind, what was found) for a file that must not be decoded; empty words for a good one.

    kind: "unfinished" without an index, as a killed recorder leaves it; "declared size" where the
    index declares more samples than the file has bytes; "damaged" for a box that ends nowhere.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            names = set()
            for number, (name, start, end) in enumerate(_boxes(file, 0, size)):
                if number > MAX_BOXES:
                    return "declared size", f"more than {MAX_BOXES} boxes"
                names.add(name)
                problem = _box_problem(file, name, start, end, size)
                if problem:
                    return "declared size", problem
    except (OSError, struct.error) as error:
        return "damaged", str(error)
    if not size:
        return "unfinished", "an empty file"
    if b"moov" not in names:
        kind = "unfinished" if names & {b"ftyp", b"mdat"} else "damaged"
        return kind, "no index (moov)"
    return "", ""


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of its content, end) of every box, depth first, no deeper than eight."""
    waiting = [(start, end, 0)]
    while waiting:
        place, end, depth = waiting.pop()
        if end - place < 8:
            continue
        file.seek(place)
        length, name = struct.unpack(">I4s", file.read(8))
        content = place + 8
        if length == 1:
            length = struct.unpack(">Q", file.read(8))[0]
            content += 8
        box_end = end if length == 0 else place + length
        if box_end > end or box_end < content:
            box_end = end  # cut off: what is there is looked at, and nothing follows
        waiting.append((box_end, end, depth))
        yield name, content, box_end
        if name in FOLDERS and depth < 8:
            waiting.append((content, box_end, depth + 1))


def _box_problem(file: BinaryIO, name: bytes, start: int, end: int, file_size: int) -> str:
    room = end - start
    file.seek(start)
    if name == b"stsz" and room >= 12:
        _, each, count = struct.unpack(">III", file.read(12))
        most = room // 4 if each == 0 else file_size // each
        return f"{count} samples of {each or 'their own'} bytes" if count > most else ""
    if name in ENTRY_BYTES and room >= 8:
        _, count = struct.unpack(">II", file.read(8))
        if count > room // ENTRY_BYTES[name]:
            return f"{count} entries in a box {name.decode()} of {room} bytes"
        if name == b"stts":
            return _durations_problem(file, count, file_size)
    return ""


def _durations_problem(file: BinaryIO, count: int, file_size: int) -> str:
    total = 0
    for _ in range(count):
        total += struct.unpack(">I", file.read(8)[:4])[0]
        if total > file_size:
            return f"durations of {total} samples in {file_size} bytes"
    return ""
