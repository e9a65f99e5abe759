"""Work ahead: taken when it is done, dropped when nobody wants it."""

from __future__ import annotations

import threading

import pytest

from loopyard.cycle.ahead import Ahead, DroppedError


def test_the_result_is_waited_for():
    go = threading.Event()

    def work(look):
        assert go.wait(30)
        return 42

    ahead = Ahead(work)
    go.set()
    assert ahead.take() == 42


def test_an_error_is_raised_where_the_result_is_taken():
    def work(look):
        raise ValueError("no expert")

    with pytest.raises(ValueError, match="no expert"):
        Ahead(work).take()


def test_dropped_work_stops_at_its_next_look():
    ended = []

    def work(look):
        try:
            while True:
                look()
        except DroppedError:
            ended.append(True)
            raise

    Ahead(work).drop()
    assert ended == [True]
