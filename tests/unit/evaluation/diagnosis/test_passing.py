"""Patterns of passing a solid on a named side, on drawn drives of 4 s at 0.5 m/s."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loopyard.evaluation.diagnosis.diagnose import diagnose
from loopyard.evaluation.diagnosis.passing import PASSING
from loopyard.evaluation.trace import Trace

FPS, TICKS = 10, 40
SECONDS = np.arange(TICKS + 1) / FPS
ON, ASIDE = 0.5 * SECONDS, 0.25 * SECONDS
STANDS = np.minimum(ON, 0.28)
BEHIND = np.where(SECONDS < 3.5, 0.3, 2.0)
PAST = {"side_m": np.where(SECONDS < 2.0, ASIDE, np.inf), "nearest_m": 0.5}
CALM: dict[str, Any] = {
    "x_m": ON,
    "y_m": ASIDE,
    "yaw_rad": 0.0,
    "side_m": ASIDE,
    "clear_m": ASIDE - 0.5,
    "obstacle_m": np.maximum(1.8 - ON, 0.0),
    "boundary_m": 1.0,
    "nearest_m": 2.0,
    "nearest_rad": 0.0,
    "delivered": 0.0,
}
"""Ahead and to the named side, of which it needs half a metre."""


def trace(events: dict[str, int] | None = None, **signals: Any) -> Trace:
    kept = {**CALM, **signals}
    rows = [np.broadcast_to(np.asarray(value, float), TICKS + 1) for value in kept.values()]
    happened = np.zeros((TICKS, len(events or {})), np.int16)
    for column, tick in enumerate((events or {}).values()):
        happened[tick, column] = 1
    return Trace(
        FPS,
        np.random.default_rng(0).uniform(-1, 1, (TICKS, 2)).astype(np.float32),
        ("linear_x", "linear_y"),
        np.stack(rows, axis=1).astype(np.float32),
        tuple(kept),
        happened,
        tuple(events or {}),
    )


CASES: dict[str, tuple[str, dict[str, Any], tuple[float, float]]] = {
    "stands": ("STOPPED", {"x_m": STANDS, "y_m": 0.0}, (0.0, 4.0)),
    "stands from 1 s on": ("STOPPED", {"x_m": np.minimum(2 * ON, 0.95), "y_m": 0.0}, (0.7, 4.0)),
    "drives on": ("STRAIGHT_AHEAD", {"y_m": 0.05 * np.sin(SECONDS)}, (0.0, 4.0)),
    "steers too little by far": (
        "STRAIGHT_AHEAD",
        {"y_m": 0.2 * ASIDE, "clear_m": -1.0},
        (0.0, 4.0),
    ),
    "passes on the other side": (
        "WRONG_SIDE",
        {"events": {"wrong_side": 38}, "side_m": 0.4 - ASIDE, "y_m": -ASIDE},
        (1.6, 3.9),
    ),
    "hits": ("HIT_BOX", {"events": {"box_contact": 39}}, (2.6, 4.0)),
    "hits the wall": (
        "HIT_WALL",
        {"events": {"boundary_contact": 39}, "boundary_m": 1.2 - ASIDE},
        (2.8, 4.0),
    ),
    "drives past": ("MISSED_CUP", {**PAST, "nearest_rad": BEHIND}, (2.0, 4.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_pattern(name):
    expected, given, span = CASES[name]
    found = diagnose(trace(**given))
    assert found.pattern_names == (expected,)
    evidence = found.patterns[0].evidence
    assert evidence.span_s == pytest.approx(span)
    assert evidence.text
    assert found.first is found.patterns[0]
    assert found.onset_s == evidence.from_s


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"x_m": STANDS},  # it goes aside meanwhile
        {"x_m": 0.2 * ON, "y_m": 0.15 * ON, "clear_m": -2.0},  # hardly got anywhere, but moves
        {"y_m": 0.6 * ASIDE},  # less than it needed, and no straight line
        {**PAST},  # its target is still ahead
        {**PAST, "nearest_rad": BEHIND, "delivered": SECONDS > 3.9},  # it came there
    ],
)
def test_none_of_them(given):
    assert diagnose(trace(**given)).pattern_names == ()


def test_who_stands_did_not_drive_straight_on():
    found = diagnose(trace(x_m=np.minimum(2 * ON, 0.9), y_m=0.0))
    assert found.pattern_names == ("STOPPED",)


def test_what_explains_the_other_comes_first():
    straight = {"y_m": 0.0, "side_m": 0.0, "clear_m": -0.5}
    found = diagnose(trace({"box_contact": 39}, **straight))
    assert found.pattern_names == ("STRAIGHT_AHEAD", "HIT_BOX")
    assert found.onset_s == found.patterns[1].evidence.from_s > 0  # where it can be turned around


def test_they_are_looked_for_only_where_the_world_tells_the_side():
    found = diagnose(trace())
    assert set(PASSING) <= set(found.looked_for)
    assert found.missing == ("load",)
    assert "LIFTING_LOOP_TRAP" not in found.looked_for
