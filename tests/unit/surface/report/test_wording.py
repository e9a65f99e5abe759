"""Numbers in words."""

from __future__ import annotations

import pytest

from loopyard.surface.report.wording import (
    NONE,
    count,
    duration,
    figure,
    flat,
    percent,
    while_training,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.26, "0.3 s"),
        (45.2, "45 s"),
        (60, "1 min"),
        (1071.4, "17 min 51 s"),
        (3_900, "1 h 05 min"),
        (None, NONE),
    ],
)
def test_duration(seconds, words):
    assert duration(seconds) == words


def test_numbers():
    assert percent(0.965) == "96.5\u202f%"
    assert percent(None) == NONE
    assert count(51_234) == "51\u202f234"
    assert figure(0.183456) == "0.183"
    assert figure(12) == "12"


def test_flat_settings_keep_their_order_and_say_nothing_twice():
    settings = {
        "name": "demo",
        "gate": {"n": 200, "target": 0.95},
        "shares": [0.4, 0.6],
        "cycles": [{"a": 1}, {"a": 2}],
        "empty": {},
        "none": None,
        "on": True,
    }
    assert flat(settings) == [
        ("name", "demo"),
        ("gate.n", "200"),
        ("gate.target", "0.95"),
        ("shares", "0.4, 0.6"),
        ("cycles.1.a", "1"),
        ("cycles.2.a", "2"),
        ("empty", NONE),
        ("none", NONE),
        ("on", "yes"),
    ]


def test_rollouts_while_training_are_told_by_the_steps_before_them():
    summaries = {1000: {"successes": 9, "n": 16}, 3000: {"successes": 14, "n": 16}, 4000: {}}
    assert while_training(summaries) == f"14 of 16 after {count(3000)} steps"
    assert while_training({}) == ""
