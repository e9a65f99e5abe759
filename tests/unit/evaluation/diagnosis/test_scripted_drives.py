"""Real drives of the yard, made to fail in a known way, are told apart.

All of them, and on many scenes: benchmarks/diagnosis.py.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from loopyard.evaluation.diagnosis.diagnose import diagnose
from loopyard.evaluation.metrics import rollout_metrics

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"
FIRST, LAST = 100_000, 100_040


@pytest.fixture
def cases(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("diagnosis_cases")


def shown(cases, name):
    """The case, and its first drive on a starter scene that shows it."""
    case = next(case for case in cases.CASES if case.name == name)
    for seed in range(FIRST, LAST):
        if case.scenes[seed % len(case.scenes)].get("room_m", 6.0) > 7.0:
            continue
        made = cases.drive(case, seed)
        if made.shown and not made.outcome.success:
            return case, made
    pytest.fail(f"{name} shows itself on no scene")


@pytest.mark.parametrize(
    "name",
    [
        "stops_short",
        "lifts_open",
        "dumps_midway",
        "circles",
        "rams_furniture",
        "presses_on_kerb",
        "scoops_at_nothing",
        "stops_in_the_zone",
    ],
)
def test_a_drive_is_what_its_script_made_of_it(cases, name):
    case, made = shown(cases, name)
    found = diagnose(made.trace)
    assert found.name == case.failure
    assert set(found.pattern_names) - case.may == case.patterns - case.may


@pytest.mark.parametrize(
    "name",
    [
        "stops_before_the_box",
        "drives_straight",
        "takes_the_other_side",
        "cuts_the_corner",
        "drives_into_the_wall",
    ],
)
def test_a_drive_down_the_corridor_is_what_its_script_made_of_it(cases, name):
    corridor = import_module("diagnosis_corridor")
    case = next(case for case in corridor.CASES if case.name == name)
    drives = (cases.drive(case, seed) for seed in range(FIRST, LAST))
    made = next(made for made in drives if made.shown and not made.outcome.success)
    found = diagnose(made.trace)
    assert found.name is None
    assert "load" in found.missing
    assert set(found.pattern_names) - case.may == case.patterns - case.may


def test_a_case_drives_the_same_way_every_time(cases):
    case, made = shown(cases, "dumps_midway")
    again = cases.drive(case, made.seed)
    assert (again.trace.actions == made.trace.actions).all()
    assert (again.trace.signals == made.trace.signals).all()


def test_metrics_of_a_drive_against_furniture(cases):
    _, made = shown(cases, "rams_furniture")
    metrics = rollout_metrics(made.trace, made.outcome)
    assert metrics["furniture_contacts"] == made.outcome.counts["furniture_contact"]
    assert metrics["avoidance_rate"] == 0.0
    assert metrics["recovered_share"] is not None
    assert metrics["recovered_share"] < 1.0
    assert metrics["collection_rate"] == 0.0
