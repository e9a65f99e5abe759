"""Lets the nth operation on the disk fail, for every n, in forked children (see faulty.c).

Run as ``faulty_runs.py FOLDER KIND`` with faulty.so preloaded; prints the number of operations.
SQLite, Arrow and safetensors write past Python, so here the system's own calls fail.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from loopyard.core.errors import LoopyardError
from loopyard.data.builder import write_table
from loopyard.store.atomic import recover_folder, staged_folder, write_json
from loopyard.store.events import EventLog
from loopyard.store.manifest import verify_manifest
from loopyard.store.space import is_disk_failure, is_no_space

LIBRARY = ctypes.CDLL(None)
PAUSED = 3


def store(root: Path, version: int) -> None:
    """A step that leaves a table, a checkpoint, a result, and the event that says so."""
    with EventLog(root / "events.sqlite") as log:
        log.append("begun", version=version)
        write_table(pa.table({"version": [version] * 100}), root / "episodes.parquet")
        with staged_folder(root / "last") as staging:
            save_file({"weights": np.full(1000, version)}, staging / "model.safetensors")
        write_json(root / "result.json", {"version": version})
        log.append("done", version=version)


def look(root: Path) -> None:
    """What can be read is one version or the other, whole; what is said to be done is there."""
    with EventLog(root / "events.sqlite") as log:
        done = [event.data["version"] for event in log.events("done")]
    table = pq.ParquetFile(root / "episodes.parquet").read()["version"].to_pylist()
    recover_folder(root / "last")
    verify_manifest(root / "last")
    weights = load_file(root / "last/model.safetensors")["weights"].tolist()
    result = json.loads((root / "result.json").read_text())["version"]
    assert table in ([1] * 100, [2] * 100), table
    assert weights in ([1] * 1000, [2] * 1000), weights
    assert done in ([1], [1, 2]), done
    if done == [1, 2]:
        assert (table[0], weights[0], result) == (2, 2, 2)


def child(work: Callable[[], None]) -> int:
    """0: done. 3: ended with a word. 70: neither."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 70
    try:
        work()
        code = 0
    except LoopyardError as error:
        code = PAUSED if str(error) else 70
    except Exception as error:
        code = PAUSED if is_disk_failure(error) or is_no_space(error) else 70
        if code != PAUSED:
            traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def try_operation(template: Path, root: Path, kind: str, nth: int) -> bool:
    """Fail the nth operation of version 2, look, and do it again; False where it has no nth."""
    shutil.copytree(template, root)

    def armed() -> None:
        LIBRARY.faulty_arm(str(root).encode(), kind.encode(), ctypes.c_long(nth), b"")
        try:
            store(root, 2)
        finally:
            count = LIBRARY.faulty_count()
            LIBRARY.faulty_arm(b"/nowhere", b"", ctypes.c_long(-1), b"")
            (template.parent / "count").write_text(str(count))

    code = child(armed)
    assert code in (0, PAUSED), f"{kind} at operation {nth}: ended with {code}"
    assert child(lambda: look(root)) == 0, f"{kind} at operation {nth}: what stands there is torn"
    assert child(lambda: store(root, 2)) == 0, f"{kind} at operation {nth}: it does not go on"
    shutil.rmtree(root)
    return int((template.parent / "count").read_text()) >= nth


def main() -> None:
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    template = folder / "template"
    assert child(lambda: store(template, 1)) == 0
    nth = 1
    while try_operation(template, folder / str(nth), kind, nth):
        nth += 1
    print(nth - 1)


if __name__ == "__main__":
    main()
