"""The nth store operation fails, for every n: what is read afterwards is the old or the new."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from loopyard.core.errors import NoSpaceError
from loopyard.store.atomic import recover_folder, staged_folder, write_json
from loopyard.store.manifest import verify_manifest

OPERATIONS = ("fsync", "replace", "rename", "mkdir")


class FaultyDisk:
    """Lets the nth operation fail: a write, an fsync, a rename, a new folder.

    kind: ``ENOSPC`` and ``EIO`` are what it fails with; ``short`` writes half and finds no space.
    """

    def __init__(self, kind: str, nth: int) -> None:
        self.kind, self.left, self.failed = kind, nth, False

    def _fault(self) -> bool:
        self.left -= 1
        self.failed = self.failed or self.left == 0
        return self.left == 0

    def _error(self) -> OSError:
        code = errno.EIO if self.kind == "EIO" else errno.ENOSPC
        return OSError(code, os.strerror(code))

    def operation(self, honest: Callable[..., Any]) -> Callable[..., Any]:
        def tried(*args: Any, **more: Any) -> Any:
            if self._fault():
                raise self._error()
            return honest(*args, **more)

        return tried

    def opened(self, honest: Callable[..., Any]) -> Callable[..., Any]:
        def tried(path: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
            file = honest(path, mode, *args, **more)
            return file if set(mode) <= set("rbt") else _Writes(file, self)

        return tried

    def write(self, file: Any, data: Any) -> Any:
        if not self._fault():
            return file.write(data)
        if self.kind == "short":
            file.write(data[: len(data) // 2])
        raise self._error()


class _Writes:
    """A file whose writes may fail."""

    def __init__(self, file: Any, disk: FaultyDisk) -> None:
        self._file, self._disk = file, disk

    def write(self, data: Any) -> Any:
        return self._disk.write(self._file, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Writes:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextmanager
def faulty(kind: str, nth: int) -> Iterator[FaultyDisk]:
    disk = FaultyDisk(kind, nth)
    with pytest.MonkeyPatch.context() as patch:
        for name in OPERATIONS:
            patch.setattr(os, name, disk.operation(getattr(os, name)))
        patch.setattr(io, "open", disk.opened(io.open))
        yield disk


def store(root: Path, version: int) -> None:
    """A small run of the store: two files and a folder, each replaced."""
    write_json(root / "plan.json", {"version": version, "text": "x" * 1000})
    with staged_folder(root / "deep/last") as staging:
        (staging / "weights").write_bytes(bytes([version]) * 1000)
        (staging / "facts.json").write_text(json.dumps({"version": version}))
    write_json(root / "result.json", {"version": version})


def versions(root: Path) -> list[int]:
    """Of what stands there, each part proven whole; -1 for what is not there."""
    found = []
    for name in ("plan.json", "result.json"):
        path = root / name
        found.append(json.loads(path.read_text())["version"] if path.exists() else -1)
    last = root / "deep/last"
    recover_folder(last)
    if last.exists():
        verify_manifest(last)
        found.append((last / "weights").read_bytes()[0])
    return found


@pytest.mark.parametrize("exchange", [True, False], ids=["swap", "two renames"])
@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_every_operation_may_fail(tmp_path, monkeypatch, kind, exchange):
    if not exchange:
        monkeypatch.setattr("loopyard.store.atomic._exchange", lambda one, other: False)
    nth = 0
    for nth in itertools.count(1):
        root = tmp_path / str(nth)
        store(root, 1)
        wanted = OSError if kind == "EIO" else NoSpaceError
        with faulty(kind, nth) as disk, suppress(wanted):
            store(root, 2)
        if not disk.failed:
            break
        assert set(versions(root)) <= {1, 2}, f"operation {nth}"
        store(root, 2)
        assert versions(root) == [2, 2, 2]
        assert not list(root.rglob(".*")), "left behind"
    assert nth > 15


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_every_call_of_the_system_may_fail(tmp_path, kind):
    """Also those of SQLite, Arrow and safetensors: see faulty.c and faulty_runs.py."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux")
    here, library = Path(__file__).parent, tmp_path / "faulty.so"
    source = [str(here / "faulty.c"), "-ldl", "-lpthread"]
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), *source], check=True)
    done = subprocess.run(
        [sys.executable, str(here / "faulty_runs.py"), str(tmp_path), kind],
        env={**os.environ, "LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
