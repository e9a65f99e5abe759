"""The journal: a step is done once, and time used outlives the process."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import pytest

from loopyard.core.stop import stoppable
from loopyard.cycle.journal import Journal, digest_of
from loopyard.store.events import EventLog


class Work:
    """Counts how often it is done."""

    def __init__(self, clock=None, seconds: float = 0.0) -> None:
        self.clock, self.seconds, self.done = clock, seconds, 0

    def __call__(self, until=None):
        self.done += 1
        if self.clock is not None:
            self.clock.pass_s(self.seconds)
        return {"answer": 42}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


def test_a_finished_step_is_reused_in_this_process_and_the_next(path, clock):
    work = Work(clock, 5.0)
    with_took = {"answer": 42, "took_s": 5.0}
    journal = Journal(path, clock)
    assert journal.step("data", {"seed": 1}, work) == (with_took, False)
    assert journal.step("data", {"seed": 1}, work) == (with_took, True)
    journal.close()
    again = Journal(path, clock)
    assert again.step("data", {"seed": 1}, work) == (with_took, True)
    assert work.done == 1
    again.close()


def test_other_inputs_or_another_name_are_another_step(path, clock):
    work = Work()
    journal = Journal(path, clock)
    journal.step("data", {"seed": 1}, work)
    journal.step("data", {"seed": 2}, work)
    journal.step("audit", {"seed": 1}, work)
    assert work.done == 3
    journal.close()


def test_a_step_that_failed_is_not_done(path, clock):
    def fail(until):
        clock.pass_s(3.0)
        raise KeyboardInterrupt

    journal = Journal(path, clock)
    with pytest.raises(KeyboardInterrupt):
        journal.step("train", 1, fail)
    journal.stopped("Ctrl-C")
    journal.close()
    again, work = Journal(path, clock), Work()
    assert again.used_s == pytest.approx(3.0)
    assert again.step("train", 1, work)[1] is False
    assert work.done == 1
    again.close()


def test_time_used_goes_on_over_restarts_and_waits_in_between(path, clock):
    journal = Journal(path, clock)
    journal.step("a", 1, Work(clock, 10.0))
    clock.pass_s(2.0)
    journal.stopped("Ctrl-C")
    journal.close()
    clock.pass_s(3600.0)
    again = Journal(path, clock)
    assert again.used_s == pytest.approx(12.0)
    again.step("b", 1, Work(clock, 5.0))
    assert again.used_s == pytest.approx(17.0)
    assert again.times() == {"a": 10.0, "b": 5.0}
    again.close()


def test_a_killed_process_loses_seconds_of_the_count_and_not_a_stage(path, clock):
    journal = Journal(path, clock)

    def work(until):
        for _ in range(100):
            clock.pass_s(1.0)
            journal.alive()
        raise SystemExit  # as far as the log can tell: killed

    with pytest.raises(SystemExit):
        journal.step("train", 1, work)
    journal.close()
    again = Journal(path, clock)
    assert 85.0 <= again.used_s <= 100.0
    again.close()
    with EventLog(path) as log:
        assert len(log.events("alive")) <= 100 / 5


def test_a_steps_seconds_are_those_of_all_its_tries(path, clock):
    def stop_after_7_s(until):
        clock.pass_s(7.0)
        raise KeyboardInterrupt

    for _ in range(2):
        journal = Journal(path, clock)
        with pytest.raises(KeyboardInterrupt):
            journal.step("train", 1, stop_after_7_s)
        journal.stopped("Ctrl-C")
        journal.close()
        clock.pass_s(100.0)
    last = Journal(path, clock)
    assert last.step("train", 1, Work(clock, 3.0))[0]["took_s"] == 17.0
    last.close()


def test_keys_do_not_depend_on_the_order_of_names():
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert digest_of({"path": Path("x")}) == digest_of({"path": "x"})


def test_the_box_of_a_step_goes_on_over_restarts(path, clock):
    def stopped(until):
        assert until == clock.monotonic() + 60.0
        clock.pass_s(45.0)
        raise KeyboardInterrupt

    journal = Journal(path, clock)
    with pytest.raises(KeyboardInterrupt):
        journal.step("data", 1, stopped, box_s=60.0)
    journal.stopped("Ctrl-C")
    journal.close()
    clock.pass_s(3600.0)
    again = Journal(path, clock)
    left = []
    again.step("data", 1, lambda until: left.append(until - clock.monotonic()) or {}, box_s=60.0)
    again.step("more", 1, lambda until: left.append(until) or {})
    assert left == [pytest.approx(15.0), None]
    again.close()


def test_a_stop_that_was_lost_on_the_way_keeps_the_next_step_from_beginning(path, clock):
    work = Work()
    journal = Journal(path, clock)
    with stoppable():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            journal.step("data", {}, work)
    assert work.done == 0
    journal.close()
