"""Checkpoints are driven while their training goes on, and never in its way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from loopyard.core.errors import CheckpointError
from loopyard.cycle.ahead import DroppedError
from loopyard.cycle.meanwhile import LOOK_EVERY, Meanwhile, spread
from loopyard.evaluation.result import Evaluation


class Drives:
    """Remembers what was driven, and ends a drive when it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.driven: list[str] = []
        self.dropped: list[str] = []
        self.go = threading.Event()
        self.began = threading.Event()
        self._error = error

    def __call__(self, checkpoint: Path, look: Callable[[], None]) -> Evaluation:
        self.driven.append(checkpoint.name)
        self.began.set()
        while not self.go.wait(0.01):
            try:
                look()
            except DroppedError:
                self.dropped.append(checkpoint.name)
                raise
        if self._error is not None:
            raise self._error
        return Evaluation(())


def until_told(meanwhile: Meanwhile, told: list[str]) -> None:
    """Look until something is told: the drive's thread ends in its own time."""
    pause = threading.Event()
    for _ in range(3000):
        meanwhile.look(LOOK_EVERY)
        if told:
            return
        pause.wait(0.01)
    raise AssertionError("nothing was told")


def test_the_newest_checkpoint_is_driven_once_and_told(tmp_path: Path):
    for name in ("step_001000", "step_002000", "last"):
        (tmp_path / name).mkdir()
    drives, told = Drives(), []
    meanwhile = Meanwhile(tmp_path, drives, told.append)
    drives.go.set()
    until_told(meanwhile, told)
    assert drives.driven == ["step_002000"]
    assert told == [
        "step_002000: 0 of 0 select scenes succeed (0% to 100%), while training goes on"
    ]
    meanwhile.look(LOOK_EVERY)
    meanwhile.close()
    assert drives.driven == ["step_002000"]


def test_nothing_begins_between_two_looks_or_without_a_checkpoint(tmp_path: Path):
    drives = Drives()
    meanwhile = Meanwhile(tmp_path, drives, print)
    meanwhile.look(LOOK_EVERY)
    (tmp_path / "step_001000").mkdir()
    meanwhile.look(LOOK_EVERY + 1)
    meanwhile.close()
    assert drives.driven == []


def test_a_drive_that_is_not_done_when_training_ends_is_dropped(tmp_path: Path):
    (tmp_path / "step_001000").mkdir()
    drives, told = Drives(), []
    meanwhile = Meanwhile(tmp_path, drives, told.append)
    meanwhile.look(LOOK_EVERY)
    assert drives.began.wait(30)
    meanwhile.look(2 * LOOK_EVERY)  # still at it
    meanwhile.close()
    assert drives.dropped == ["step_001000"]
    assert told == []


def test_a_checkpoint_that_was_thinned_out_is_told_and_stops_nothing(tmp_path: Path):
    (tmp_path / "step_001000").mkdir()
    drives, told = Drives(CheckpointError("step_001000: gone")), []
    meanwhile = Meanwhile(tmp_path, drives, told.append)
    drives.go.set()
    until_told(meanwhile, told)
    assert told == ["step_001000: not driven while training: step_001000: gone"]
    meanwhile.close()


def test_without_scenes_nothing_is_driven(tmp_path: Path):
    (tmp_path / "step_001000").mkdir()
    meanwhile = Meanwhile(tmp_path, None, print)
    meanwhile.look(LOOK_EVERY)
    meanwhile.close()


@pytest.mark.parametrize(
    ("n", "count", "wanted"), [(6, 3, [0, 2, 4]), (3, 5, [0, 1, 2]), (4, 0, []), (0, 3, [])]
)
def test_scenes_are_spread_over_all_of_them(n: int, count: int, wanted: list[int]):
    assert spread(range(n), count) == wanted
