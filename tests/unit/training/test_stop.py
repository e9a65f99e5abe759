"""The training's stop: at the next step, at once when asked twice, and never for nothing."""

from __future__ import annotations

import signal
import sys

import pytest

from loopyard.core.stop import stoppable
from loopyard.training.stop import StopRequest


def test_one_that_no_step_was_left_for_is_raised_at_the_end() -> None:
    """As during the last checkpoint: whoever trained would go on as if nobody had asked."""
    after = []

    def train() -> None:
        with StopRequest() as stop:
            signal.raise_signal(signal.SIGTERM)
            after.append(stop.requested)
        after.append("not to be reached")

    with stoppable(), pytest.raises(KeyboardInterrupt):
        train()
    assert after == [True]


def test_one_that_the_loop_answered_is_not_raised_again() -> None:
    def loop() -> None:
        with StopRequest():
            signal.raise_signal(signal.SIGTERM)
            raise ValueError("stopped after 3 steps")

    with stoppable(), pytest.raises(ValueError, match="3 steps"):
        loop()


def test_asked_twice_it_ends_at_once() -> None:
    after = []

    def train() -> None:
        with StopRequest():
            signal.raise_signal(signal.SIGINT)
            after.append("goes on")
            signal.raise_signal(signal.SIGINT)
            after.append("not to be reached")

    with stoppable(), pytest.raises(KeyboardInterrupt):
        train()
    assert after == ["goes on"]


def test_one_that_was_swallowed_before_keeps_it_from_beginning(monkeypatch) -> None:
    class Closing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(sys, "unraisablehook", lambda told: None)
    with stoppable():
        Closing()
        with pytest.raises(KeyboardInterrupt):
            StopRequest().__enter__()
