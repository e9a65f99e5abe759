"""Atomic files and folders: whole or absent, under kill -9, a full disk, and errors."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import LoopyardError, NoSpaceError
from loopyard.store import atomic
from loopyard.store.atomic import recover_folder, staged_folder, write_bytes, write_json, write_text
from loopyard.store.manifest import read_manifest, verify_manifest

REAL_FSYNC = os.fsync


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full_disk(*args: object, **kwargs: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@dataclass
class FullAt:
    """The ``fatal``-th call finds the disk full."""

    fatal: int
    real: Callable[[int], None]
    calls: int = 0

    def __call__(self, descriptor: int) -> None:
        self.calls += 1
        if self.calls > self.fatal:
            full_disk()
        self.real(descriptor)


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.bin"
    write_bytes(path, b"old")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["file.bin"]


def test_text_is_utf8_and_json_takes_numpy_and_paths(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "größer")
    assert (tmp_path / "a.txt").read_bytes() == "größer".encode()
    write_json(tmp_path / "a.json", {"x": np.float32(0.5), "y": np.arange(2), "p": Path("a/b")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 0.5, "y": [0, 1], "p": "a/b"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_it_cannot_say(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"loss": value})
    assert names(tmp_path) == []


def test_json_refuses_objects_without_a_form(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="object"):
        write_json(tmp_path / "a.json", {"x": object()})


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")
    monkeypatch.setattr(os, call, full_disk)
    with pytest.raises(NoSpaceError, match=str(path)):
        write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_other_errors_keep_their_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output") as caught:
        write_bytes(tmp_path / "file", b"new")
    assert caught.value.errno == errno.EIO
    monkeypatch.undo()
    assert names(tmp_path) == []


def test_a_staged_folder_appears_whole_with_its_manifest(tmp_path: Path) -> None:
    final = tmp_path / "made" / "model"
    with staged_folder(final, parents=["abc"]) as staging:
        (staging / "sub").mkdir()
        (staging / "sub" / "weights").write_bytes(b"w" * 10)
        assert not final.exists()
    assert names(final.parent) == ["model"]
    verify_manifest(final)
    manifest = read_manifest(final)
    assert manifest["parents"] == ["abc"]
    assert [entry["path"] for entry in manifest["files"]] == ["sub/weights"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_staged_folder_replaces_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    final = tmp_path / "model"
    for text in ("old", "new"):
        with staged_folder(final) as staging:
            (staging / text).write_text(text)
    assert names(final) == ["manifest.json", "new"]
    assert names(tmp_path) == ["model"]
    verify_manifest(final)


def test_an_error_inside_leaves_the_older_folder_alone(tmp_path: Path) -> None:
    final = tmp_path / "model"
    with staged_folder(final) as staging:
        (staging / "a").write_text("old")
    with pytest.raises(KeyError), staged_folder(final) as staging:
        (staging / "a").write_text({"text": "new"}["another"])
    assert (final / "a").read_text() == "old"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_inside_names_the_folder(tmp_path: Path, error: Exception) -> None:
    final = tmp_path / "model"
    with pytest.raises(NoSpaceError, match=str(final)), staged_folder(final):
        raise error
    assert names(tmp_path) == []


def test_a_full_disk_at_every_fsync_keeps_the_older_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = tmp_path / "model"
    with staged_folder(final) as staging:
        (staging / "a").write_text("old")
    refused = 0
    for fatal in range(20):
        monkeypatch.setattr(os, "fsync", FullAt(fatal, REAL_FSYNC))
        try:
            with staged_folder(final) as staging:
                (staging / "a").write_text("new")
        except NoSpaceError:
            refused += 1
            verify_manifest(final)
            assert names(tmp_path) == ["model"]
        else:
            break
    # a, manifest.json, the staging folder: the fourth is the parent's, after the rename
    assert refused == 4
    assert (final / "a").read_text() == "new"


def test_errors_of_the_package_pass_through(tmp_path: Path) -> None:
    with pytest.raises(LoopyardError, match="no"), staged_folder(tmp_path / "model"):
        raise LoopyardError("no")


KILLED = """
import os, sys
from loopyard.store import atomic
final, point = sys.argv[1:]
def die(*args):
    os.kill(os.getpid(), 9)
if point == "manifest":
    atomic.write_manifest = die
elif point == "fsync":
    atomic.fsync_tree = die
elif point == "exchange":
    atomic._exchange = die
elif point == "between renames":
    atomic._exchange = lambda *paths: False
    real = atomic.Path.rename
    def rename(self, target):
        if ".staging-" in self.name:
            die()
        return real(self, target)
    atomic.Path.rename = rename
elif point == "after":
    atomic.shutil.rmtree = die
with atomic.staged_folder(final) as staging:
    (staging / "a").write_text("new")
    if point == "inside":
        die()
"""


@pytest.mark.parametrize(
    ("point", "survivor"),
    [
        ("inside", "old"),
        ("manifest", "old"),
        ("fsync", "old"),
        ("exchange", "old"),
        ("between renames", "old"),
        ("after", "new"),
    ],
)
def test_kill_9_leaves_a_whole_folder_and_the_next_one_clears_up(
    tmp_path: Path, point: str, survivor: str
) -> None:
    final = tmp_path / "model"
    with staged_folder(final) as staging:
        (staging / "a").write_text("old")
    child = subprocess.run([sys.executable, "-c", KILLED, final, point], check=False)
    assert child.returncode == -signal.SIGKILL
    recover_folder(final)
    verify_manifest(final)
    assert (final / "a").read_text() == survivor
    assert names(tmp_path) == ["model"]
    with staged_folder(final) as staging:
        (staging / "a").write_text("next")
    assert (final / "a").read_text() == "next"
    assert names(tmp_path) == ["model"]


def test_recovery_leaves_the_work_of_living_processes(tmp_path: Path) -> None:
    living = tmp_path / f".model.staging-{os.getppid()}"
    living.mkdir()
    recover_folder(tmp_path / "model")
    assert living.is_dir()
