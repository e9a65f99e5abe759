"""A stop that was asked for is not lost, wherever Python was when it came."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from loopyard.core.stop import look_for_stop, stoppable


class Closing:
    """Its destructor is where the signal comes: what that raises, Python only prints."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.fixture(autouse=True)
def printed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was raised where nobody hears it."""
    found: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: found.append(told.exc_type))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_swallowed_one_is_found_at_the_next_look(number: signal.Signals, printed) -> None:
    with stoppable():
        look_for_stop()
        Closing(number)
        assert printed == [KeyboardInterrupt]
        with pytest.raises(KeyboardInterrupt):
            look_for_stop()
    look_for_stop()


def test_signals_are_given_back_and_those_of_others_left_alone() -> None:
    def own(number: int, frame: object) -> None:
        pass

    before = signal.signal(signal.SIGTERM, own)
    try:
        with stoppable():
            assert signal.getsignal(signal.SIGTERM) is own
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_leaves_signals_alone() -> None:
    seen = []

    def work() -> None:
        with stoppable():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
