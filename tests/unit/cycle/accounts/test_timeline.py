"""Steps on the clock: done, cut by a restart, and side by side."""

from __future__ import annotations

import pytest

from loopyard.cycle.accounts.timeline import Span, cycle_and_stage, read_timeline, seconds_by_cycle
from loopyard.store.events import Event


def log(*entries) -> list[Event]:
    """(kind, step or None, used_s, wall_s) as events."""
    return [
        Event(seq, wall_s, kind, {"used_s": used_s, **({"step": step} if step else {})})
        for seq, (kind, step, used_s, wall_s) in enumerate(entries, 1)
    ]


def test_a_step_name_tells_cycle_and_stage():
    assert cycle_and_stage("cycle-12/train") == (12, "train")
    assert cycle_and_stage("gate") == (None, "gate")
    assert cycle_and_stage("plan-2") == (None, "plan")


def test_steps_side_by_side_have_their_own_spans():
    found = read_timeline(
        log(
            ("step_begun", "cycle-1/train", 0.0, 100.0),
            ("step_begun", "cycle-2/data", 2.0, 102.0),
            ("step_done", "cycle-2/data", 6.0, 106.0),
            ("step_done", "cycle-1/train", 10.0, 110.0),
        )
    )
    assert found.spans == (
        Span("cycle-1/train", 0.0, 10.0, True),
        Span("cycle-2/data", 2.0, 6.0, True),
    )
    assert found.restarts_s == ()
    assert seconds_by_cycle(found.spans) == pytest.approx({1: 8.0, 2: 2.0})


@pytest.mark.parametrize(
    "between",
    [
        [],  # killed: nothing is said
        [("stopped", None, 5.0, 105.0)],
    ],
)
def test_a_restart_cuts_what_was_open(between):
    found = read_timeline(
        log(
            ("step_begun", "measure", 0.0, 100.0),
            ("alive", None, 5.0, 105.0),
            *between,
            ("step_begun", "measure", 5.0, 400.0),
            ("step_done", "measure", 9.0, 404.0),
        )
    )
    assert found.spans == (Span("measure", 0.0, 5.0, False), Span("measure", 5.0, 9.0, True))
    assert found.restarts_s == (5.0,)
    assert found.down_s == pytest.approx(295.0)


def test_a_quick_restart_shows_by_the_step_that_begins_again():
    found = read_timeline(
        log(
            ("step_begun", "measure", 0.0, 100.0),
            ("step_begun", "measure", 1.0, 103.0),
        )
    )
    assert found.restarts_s == (0.0,)


def test_a_step_still_open_ends_where_the_log_does():
    found = read_timeline(
        log(
            ("step_begun", "gate", 3.0, 100.0), ("alive", None, 8.0, 105.0), ("lease", None, 9, 106)
        )
    )
    assert found.spans == (Span("gate", 3.0, 9.0, False),)
    assert read_timeline([]).end_s == 0.0
