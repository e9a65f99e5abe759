"""A file on which the HDF5 library loops or crashes is named; this process goes on."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from loopyard.core.errors import DatasetError
from loopyard.data.importers import import_recordings
from loopyard.data.importers.hdf5 import probe
from loopyard.data.importers.hdf5.probe import require_readable
from loopyard.executors.local import LocalExecutor


def test_files_that_can_be_read_pass_whatever_is_in_them(toys, tmp_path: Path) -> None:
    toys.write_robomimic(tmp_path)
    (tmp_path / "no.hdf5").write_bytes(b"nothing of the kind")
    with h5py.File(tmp_path / "circle.hdf5", "w") as file:
        file["a/b"] = np.zeros((3, 2))
        file["a/circle"] = file["a"]
        file["elsewhere"] = h5py.ExternalLink("/nowhere", "x")
        file["numbers"] = np.arange(3).astype("V4")
    require_readable(sorted(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ("import sys, time; print(flush=True); time.sleep(1000)", "loses its way"),
        ("import os; os.write(1, b'.\\n..'); os.abort()", "crashes"),
    ],
)
def test_a_library_that_is_lost_is_told_by_its_file(
    program: str, named: str, toys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(probe, "__file__", str(tmp_path / "program.py"))
    monkeypatch.setattr(probe.require_readable, "__defaults__", (3.0,))
    toys.write_act(tmp_path / "source", 2)
    with pytest.raises(DatasetError, match=rf"episode_1\.hdf5.*{named}"):
        import_recordings("act", tmp_path / "source", tmp_path / "out", LocalExecutor(0))
    assert not (tmp_path / "out").exists()


def test_a_library_that_crashes_before_it_has_read_what_to_look_through_is_told_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "program.py").write_text("import os; os.write(1, b'\\n'); os.abort()")
    monkeypatch.setattr(probe, "__file__", str(tmp_path / "program.py"))
    more_than_a_pipe_holds = [tmp_path / f"{number}.hdf5" for number in range(5000)]
    with pytest.raises(DatasetError, match=r"/1\.hdf5.*crashes"):
        require_readable(more_than_a_pipe_holds)
