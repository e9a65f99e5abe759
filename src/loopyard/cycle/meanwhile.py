"""Rollouts of a checkpoint while its training goes on, in what that leaves of the cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from loopyard.core.errors import LoopyardError
from loopyard.cycle.ahead import Ahead
from loopyard.evaluation.result import Evaluation

LOOK_EVERY = 25
"""Steps of training between two looks for a new checkpoint."""

Scene = TypeVar("Scene")
Drive = Callable[[Path, Callable[[], None]], Evaluation]
"""Drives a checkpoint; calls the function given after each rollout, which raises to stop it."""


class Meanwhile:
    """Drives the newest numbered checkpoint of a training, one after another.

    How success grows with the steps is seen while there is still time to stop. Nothing is chosen
    by it: what these drives find changes no later step, so they may be dropped at any moment.
    """

    def __init__(self, checkpoints: Path, drive: Drive | None, tell: Callable[[str], None]) -> None:
        self._checkpoints, self._drive, self._tell = checkpoints, drive, tell
        self._driven = ""
        self._ahead: Ahead[Evaluation] | None = None

    def look(self, step: int) -> None:
        """Called after each step: tells what was found, begins with what is new."""
        if self._drive is None or step % LOOK_EVERY:
            return
        if self._ahead is not None:
            if not self._ahead.is_done:
                return
            self._collect(self._ahead)
            self._ahead = None
        newest = max(self._checkpoints.glob("step_*"), default=None)
        if newest is not None and newest.name > self._driven:
            self._driven, drive = newest.name, self._drive
            self._ahead = Ahead(lambda look: drive(newest, look))

    def in_use(self) -> tuple[Path, ...]:
        """The checkpoint that is being driven now: it must stay."""
        driving = self._ahead is not None and not self._ahead.is_done
        return (self._checkpoints / self._driven,) if driving else ()

    def close(self) -> None:
        """Training has ended: tell what is done, drop what is not."""
        if self._ahead is None:
            return
        if self._ahead.is_done:
            self._collect(self._ahead)
        else:
            self._ahead.drop()
        self._ahead = None

    def _collect(self, ahead: Ahead[Evaluation]) -> None:
        try:
            found = ahead.take()
        except LoopyardError as error:
            self._tell(f"{self._driven}: not driven while training: {error}")
            return
        low, high = found.wilson_95
        self._tell(
            f"{self._driven}: {found.successes} of {found.n} select scenes succeed "
            f"({low:.0%} to {high:.0%}), while training goes on"
        )


def spread(scenes: Sequence[Scene], count: int) -> list[Scene]:
    """``count`` of the scenes, or all where they are fewer: not the first ones alone, which may all
    be of one mode."""
    count = min(count, len(scenes))
    return [scenes[index * len(scenes) // count] for index in range(count)]
