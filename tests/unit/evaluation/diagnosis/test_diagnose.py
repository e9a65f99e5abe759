"""diagnose(): every class and pattern on a drawn drive, the order of the classes, the evidence."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from loopyard.evaluation.diagnosis.diagnose import diagnose
from loopyard.evaluation.diagnosis.diagnosis import CLASSES, PATTERNS
from loopyard.evaluation.diagnosis.passing import PASSING
from loopyard.evaluation.diagnosis.thresholds import Thresholds
from loopyard.evaluation.trace import Trace


def _drives():
    path = Path(__file__).with_name("drives.py")
    spec = importlib.util.spec_from_file_location("drives_of_diagnosis", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module


d = _drives()
ROUND = d.circle(1.0)
AT_LAST_ROUND = {name: d.late(16.0, way) for name, way in d.circle(2.5).items()}
TO_AND_FRO = {"x_m": np.sin(2.0 * d.SECONDS), "y_m": 0.0}
AT_TARGET = {"nearest_m": d.from_s(4.0, 0.6, 3.0), "nearest_rad": 0.0}

CASES = {
    "stands": ("F1", {}),
    "rambles": ("F1", d.rambling()),
    "reached it": ("F2", AT_TARGET),
    "had it in the tool": ("F2", {"in_mouth": d.between(3.0, 4.0)}),
    "held it": ("F3", {**AT_TARGET, "load": d.from_s(6.0)}),
    "dropped it": ("F3", {**AT_TARGET, "load": d.between(6.0, 9.0)}),
    "delivered one, then stood": ("F1", {"load": d.between(2.0, 5.0), "delivered": d.from_s(5.0)}),
    "went round": ("F4", ROUND),
    "went to and fro": ("F4", TO_AND_FRO),
    "went round with a load": ("F4", {**ROUND, "load": d.from_s(2.0)}),
    "went round at the end": ("F4", AT_LAST_ROUND),
    "leant on furniture": ("F5", {**d.rambling(), "touching_furniture": d.from_s(8.0)}),
    "leant on the boundary": ("F6", {**d.rambling(), "touching_boundary": d.from_s(8.0)}),
    "was at the boundary at the end": ("F6", {"touching_boundary": d.from_s(24.0)}),
    "was at the boundary for a moment": ("F1", {"touching_boundary": d.between(4.0, 9.0)}),
    "touched furniture longer than the boundary": (
        "F5",
        {"touching_boundary": d.between(2.0, 14.0), "touching_furniture": d.from_s(14.0)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_class(name):
    expected, signals = CASES[name]
    found = diagnose(d.trace(**signals))
    assert found.name == expected
    assert found.missing == ()
    assert found.failure is not None
    evidence = found.failure.evidence
    assert 0.0 <= evidence.from_s <= evidence.to_s <= 30.0
    assert found.onset_s == evidence.from_s
    assert evidence.text


def test_pushing_the_goal_without_moving_is_wedged_and_touching_it_is_not():
    touching = {"touching_goal": d.from_s(10.0), "load": d.from_s(4.0)}
    assert diagnose(d.trace(d.full_throttle(), **touching)).name == "F5"
    assert diagnose(d.trace(np.zeros((d.TICKS, 4), np.float32), **touching)).name == "F3"


def test_what_holds_a_robot_need_not_be_felt_in_every_tick():
    near = {"obstacle_m": 0.7, "touching_furniture": 0.0}
    assert diagnose(d.trace(d.full_throttle(), **near)).name == "F5"
    assert diagnose(d.trace(d.full_throttle(), obstacle_m=2.0)).name == "F1"


def test_the_span_and_the_value_are_what_decided():
    found = diagnose(d.trace(**AT_TARGET, load=d.from_s(6.0)))
    assert found.failure is not None
    assert found.failure.evidence.from_s == pytest.approx(6.0)
    assert found.failure.evidence.to_s == pytest.approx(30.0)
    assert found.failure.evidence.signal == "load"
    assert found.onset_m == (0.0, 0.0)
    assert found.progress == 0.0


TURNS = np.tile(np.array([[0.5, 0.5, 0.5, 0.5]], np.float32), (d.TICKS, 1))
JERKS = np.repeat(np.random.default_rng(3).uniform(-0.5, 0.5, (30, 4)), 10, axis=0)
SCOOPS = np.where((d.SECONDS % 6.0) > 4.0, 1.0, 0.0)
PATTERN_CASES = {
    "tool up, nothing held": ("LIFTING_LOOP_TRAP", {"lift": d.from_s(10.0, 0.9)}),
    "lifted three times": (
        "LIFTING_LOOP_TRAP",
        {"lift": np.where((d.SECONDS % 5.0) > 3.0, 0.9, 0.0)},
    ),
    "held up at the boundary": (
        "WALL_STUCK",
        {"touching_boundary": d.between(5.0, 10.0), "actions": d.full_throttle()},
    ),
    "stands and holds nothing": ("SEARCH_STALL", {}),
    "turns and holds nothing": ("SEARCH_STALL", {"yaw_rad": d.SECONDS}),
    "one value": ("ACTION_COLLAPSE", {"actions": TURNS}),
    "jumps at borders": ("CHUNK_JERK", {"actions": JERKS.astype(np.float32)}),
    "lost its load": ("DROPPED_IN_TRANSPORT", {"load": d.between(5.0, 9.0)}),
    "closed on nothing": (
        "GHOST_TARGET",
        {"bucket": SCOOPS, "x_m": 0.1 * d.SECONDS, "nearest_m": 5.0},
    ),
    "broke a rule": ("UNSAFE", {"events": {"violation_edge": 100}}),
}


@pytest.mark.parametrize("name", PATTERN_CASES)
def test_the_pattern(name):
    expected, given = PATTERN_CASES[name]
    found = {one.name: one.evidence for one in diagnose(d.trace(**given)).patterns}
    assert expected in found
    evidence = found[expected]
    assert evidence.value >= evidence.threshold
    assert 0.0 <= evidence.from_s <= evidence.to_s <= 30.0


QUIET = {
    "LIFTING_LOOP_TRAP": {"lift": d.from_s(10.0, 0.9), "load": d.from_s(5.0)},
    "WALL_STUCK": {"touching_boundary": 1.0, "actions": np.zeros((d.TICKS, 4), np.float32)},
    "SEARCH_STALL": {"nearest_m": 0.9, "nearest_rad": 0.0},
    "ACTION_COLLAPSE": {},
    "CHUNK_JERK": {"actions": JERKS.astype(np.float32), "stride": 7},
    "DROPPED_IN_TRANSPORT": {"load": d.between(5.0, 9.0), "delivered": d.from_s(9.5)},
    "GHOST_TARGET": {
        "bucket": SCOOPS,
        "x_m": 0.1 * d.SECONDS,
        "nearest_m": 0.7,
        "nearest_rad": 0.0,
    },
    "UNSAFE": {"events": {"brick_held": 100}},
}


@pytest.mark.parametrize("name", QUIET)
def test_what_looks_like_a_pattern_and_is_none(name):
    assert name not in diagnose(d.trace(**QUIET[name])).pattern_names


def test_every_pattern_has_both_kinds_of_case():
    here = PATTERNS.keys() - PASSING.keys()  # those have test_passing.py
    assert {name for name, _ in PATTERN_CASES.values()} == QUIET.keys() == here
    assert {name for name, _ in CASES.values()} == CLASSES.keys()


def test_a_raised_tool_after_a_dump_is_no_trap():
    dumped = {"load": d.between(5.0, 10.0), "delivered": d.from_s(10.0)}
    lift = {"lift": d.between(8.0, 13.0, 0.9)}
    assert "LIFTING_LOOP_TRAP" not in diagnose(d.trace(**dumped, **lift)).pattern_names


@pytest.mark.parametrize("name", CASES)
def test_neither_the_frame_nor_a_mirror_changes_the_class(name):
    """The same drive elsewhere, turned about, and seen in a mirror."""
    expected, signals = CASES[name]
    x, y, yaw = (np.asarray(signals.get(key, 0.0)) for key in ("x_m", "y_m", "yaw_rad"))
    turned = {
        "x_m": x * math.cos(1.0) - y * math.sin(1.0) + 5.0,
        "y_m": x * math.sin(1.0) + y * math.cos(1.0) - 7.0,
        "yaw_rad": (yaw + 1.0 + math.pi) % (2 * math.pi) - math.pi,
    }
    mirrored = {"x_m": x, "y_m": -y, "yaw_rad": -yaw}
    for pose in (turned, mirrored):
        assert diagnose(d.trace(**{**signals, **pose})).name == expected


def test_a_world_that_tells_nothing_gets_the_patterns_of_actions_and_events():
    bare = Trace(10, TURNS, d.NAMES, np.zeros((d.TICKS + 1, 0), np.float32))
    found = diagnose(bare)
    assert found.failure is None
    assert "load" in found.missing
    assert found.pattern_names == ("ACTION_COLLAPSE",)
    assert found.onset_m is None
    assert found.to_dict()["class"] is None


def test_a_missing_signal_is_named_and_the_rest_still_judged():
    found = diagnose(d.trace(without=("nearest_m",), lift=d.from_s(10.0, 0.9)))
    assert found.name is None
    assert found.missing == ("nearest_m",)
    assert "LIFTING_LOOP_TRAP" in found.pattern_names


@pytest.mark.parametrize("ticks", [0, 1, 5])
def test_a_drive_of_hardly_any_ticks_is_diagnosed_too(ticks):
    whole = d.trace()
    short = Trace(
        10,
        whole.actions[:ticks],
        d.NAMES,
        whole.signals[: ticks + 1],
        whole.signal_names,
        whole.events[:ticks],
        stride=10,
        layout=whole.layout,
    )
    assert diagnose(short).name == "F1"


def test_thresholds_are_settings():
    touching = d.trace(touching_boundary=d.between(4.0, 9.0))
    assert diagnose(touching, Thresholds(held_up_share=0.1)).name == "F6"
    assert diagnose(touching).name == "F1"


def test_every_threshold_says_why():
    for name, field in Thresholds.model_fields.items():
        assert field.description, name
