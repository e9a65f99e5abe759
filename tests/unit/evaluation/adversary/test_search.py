"""The search: finds what fails, where it begins, with what it was given, the same every time."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, WorldError
from loopyard.core.seeds import SEED_RANGES
from loopyard.evaluation.adversary.boundary import boundary_json
from loopyard.evaluation.adversary.find import describe
from loopyard.evaluation.adversary.search import (
    SearchSettings,
    search,
    share_out,
    spread_points,
    worst_point,
)
from loopyard.evaluation.adversary.trials import Tried

SETTINGS = SearchSettings(rollouts=160, scenes=2, check=10)


def above_one(params):
    return params["a"] + params["b"] > 1.0


def line_of(finding):
    """(K, 2) points of the 50 % line in the parameters' values."""
    return np.concatenate([np.array(line) for line in boundary_json_of(finding)["half_fail"]])


def boundary_json_of(finding):
    return boundary_json(finding.boundary, finding.tried)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_failing_side_and_its_boundary_are_found(ruled, space_of, seed):
    space, drive = space_of("a", "b"), ruled(above_one)
    finding = search(space, SearchSettings(rollouts=160, check=10, seed=seed), drive)
    a, b = space.values(finding.worst).values()
    assert a + b > 1.1  # inside, not on the edge by luck
    assert all(not record.outcome.success for record in finding.worst_check)
    assert all(record.outcome.success for record in finding.nominal_check)
    line = line_of(finding)
    off = np.abs(line.sum(axis=1) - 1.0) / np.sqrt(2)
    assert off.mean() < 0.04
    assert off.max() < 0.12
    assert np.ptp(line[:, 0]) > 0.7  # along its whole length


def test_a_parameter_without_effect_is_not_drawn(ruled, space_of):
    finding = search(space_of("c", "a", "b"), SETTINGS, ruled(above_one))
    assert finding.boundary.plane.names == ("a", "b")
    assert boundary_json_of(finding)["others"] == {"c": 0.2}
    answer = describe(finding)
    assert abs(answer["effects"]["c"]) < 0.2 < min(answer["effects"][name] for name in "ab")
    off = np.abs(line_of(finding).sum(axis=1) - 1.0)
    assert off.mean() < 0.08


def test_the_plane_may_be_named(ruled, space_of):
    settings = SearchSettings(rollouts=160, check=10, boundary=("c", "a"))
    finding = search(space_of("a", "b", "c"), settings, ruled(above_one))
    assert finding.boundary.plane.names == ("c", "a")
    line = line_of(finding)  # b is held at 0.2, so that a fails from 0.8 on
    assert np.abs(line[:, 1] - 0.8).mean() < 0.08


def test_the_search_climbs_to_a_corner_that_few_points_see(ruled, space_of):
    """Of the box, 0.4 % fails; seconds and progress show the way there."""

    class Corner(ruled):
        def _outcome(self, scenario):
            from dataclasses import replace

            outcome = super()._outcome(scenario)
            near = np.mean([scenario.params[name] for name in "abcd"])
            return replace(outcome, seconds=5.0 + 50.0 * float(near))

    drive = Corner(lambda params: min(params[name] for name in "abcd") > 0.75)
    settings = SearchSettings(rollouts=400, scenes=1, check=10)
    finding = search(space_of("a", "b", "c", "d"), settings, drive)
    assert min(finding.space.values(finding.worst).values()) > 0.75
    assert sum(not r.outcome.success for r in finding.worst_check) == 10


def test_the_same_seed_asks_the_same_and_another_does_not(ruled, space_of):
    asked = []
    before = np.random.get_state(legacy=False)["state"]["key"].copy()
    for seed in (3, 3, 4):
        drive = ruled(above_one)
        search(space_of("a", "b"), SearchSettings(rollouts=100, check=5, seed=seed), drive)
        asked.append([(scenario.digest, seed) for scenario, seed in drive.asked])
    assert asked[0] == asked[1]
    assert not set(asked[0]) & set(asked[2])
    assert (
        np.random.get_state(legacy=False)["state"]["key"] == before
    ).all()  # the global generator is left alone


def test_the_budget_is_kept_and_scenes_are_training_scenes_never_driven_twice(ruled, space_of):
    drive = ruled(above_one)
    finding = search(space_of("a", "b"), SETTINGS, drive)
    assert SETTINGS.rollouts - SETTINGS.scenes < len(drive.asked) <= SETTINGS.rollouts
    assert len(drive.asked) == len(finding.records)
    scenes = {(scenario.digest, seed) for scenario, seed in drive.asked}
    assert len(scenes) == len(drive.asked)
    assert all(seed in SEED_RANGES["train"] for _, seed in scenes)


def test_whole_numbers_stay_whole_and_a_point_tried_again_gets_new_scenes(ruled, space_of):
    from loopyard.core.scenario import Scenario
    from loopyard.evaluation.adversary.space import open_space

    base = Scenario(world="slope_world:SlopeWorld", params={"a": 1, "b": 1})
    space = open_space(base, {"a": (0, 3), "b": (0, 3)})
    drive = ruled(lambda params: params["a"] + params["b"] > 3)
    finding = search(space, SETTINGS, drive)
    assert {type(s.params["a"]) for s, _ in drive.asked} == {int}
    assert len(finding.tried.n) <= 16
    assert len({(s.digest, seed) for s, seed in drive.asked}) == len(drive.asked)


@pytest.mark.parametrize(("always", "rate"), [(True, 0), (False, 10)])
def test_a_policy_that_always_fails_or_never_does(ruled, space_of, always, rate):
    finding = search(space_of("a", "b"), SETTINGS, ruled(lambda params: always))
    answer = describe(finding)
    assert answer["worst"]["successes"] == answer["nominal"]["successes"] == rate
    assert answer["boundary"]["half_fail"] == []
    assert answer["effects"] == {"a": 0.0, "b": 0.0}
    assert (answer["failing_box"] is None) is not always


def test_a_success_that_broke_a_safety_rule_counts_when_asked(ruled, space_of):
    drive = ruled(lambda params: False, violation_edge=2)
    for unsafe in (False, True):
        settings = SearchSettings(rollouts=100, check=5, unsafe=unsafe)
        worst = describe(search(space_of("a", "b"), settings, drive))["worst"]
        assert (worst["successes"], worst["violations"]) == (5, 5)  # success is left as it is
        assert worst["failures"] == (5 if unsafe else 0)


def test_points_without_room_are_passed_over(ruled):
    from loopyard.core.scenario import Scenario
    from loopyard.evaluation.adversary.space import open_space

    ranges = {"room_m": (4.0, 10.0), "bricks": (1, 50)}
    space = open_space(Scenario(world="yard"), ranges)
    drive = ruled(lambda params: params.get("bricks", 1) > 20)
    finding = search(space, SearchSettings(rollouts=100, check=5), drive)
    assert finding.impossible > 0
    assert 40 < len(drive.asked) <= 100
    assert finding.space.values(finding.worst)["bricks"] > 20


def test_no_room_anywhere_is_an_error(ruled, monkeypatch, space_of):
    def full(scenario, seed):
        raise WorldError("no free place")

    space = space_of("a", "b")
    monkeypatch.setattr("loopyard.evaluation.adversary.trials.require_possible", full)
    with pytest.raises(WorldError, match="no room in"):
        search(space, SETTINGS, ruled(above_one))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (SearchSettings(rollouts=87), "--rollouts: found 87, expected at least 88"),
        (SearchSettings(scenes=0), "--scenes: found 0"),
        (SearchSettings(check=0), "--check: found 0"),
        (SearchSettings(seed=-1), "--seed: found -1"),
        (SearchSettings(rollouts=10**6), "--rollouts: found 1000000, expected 1 to"),
        (SearchSettings(boundary=("a", "z")), "--boundary: found 'z', expected two of"),
        (SearchSettings(boundary=("a", "a")), "expected two different parameters"),
    ],
)
def test_settings_that_do_not_fit_are_named(ruled, space_of, settings, said):
    drive = ruled(above_one)
    with pytest.raises(ConfigError, match=said):
        search(space_of("a", "b"), settings, drive)
    assert drive.asked == []


def test_without_the_package_the_way_to_it_is_told(ruled, space_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    drive = ruled(above_one)
    with pytest.raises(ConfigError, match=r'pip install "loopyard\[search\]"'):
        search(space_of("a", "b"), SETTINGS, drive)
    assert drive.asked == []


@pytest.mark.parametrize("rollouts", [88, 200, 1000, 4000])
@pytest.mark.parametrize("dimensions", [2, 8])
def test_the_shares_add_up(rollouts, dimensions):
    settings = SearchSettings(rollouts=rollouts + 20)
    shares = share_out(settings, dimensions)
    points = shares.look + shares.generations * shares.generation + shares.boundary
    assert points == (settings.rollouts - 40) // 2
    assert min(shares.look, shares.boundary) >= shares.generation


@pytest.mark.parametrize("dimensions", [2, 5, 8])
def test_the_first_look_is_even(dimensions):
    points = spread_points(64, dimensions, seed=0)
    assert points.shape == (64, dimensions)
    assert ((points >= 0) & (points < 1)).all()
    for column in points.T:
        assert set(np.histogram(column, 8, (0, 1))[0]) == {8}
    assert not np.array_equal(points, spread_points(64, dimensions, seed=1))


def test_one_unlucky_point_is_not_the_worst():
    units = np.array([[0.1, 0.1], [0.12, 0.1], [0.1, 0.12], [0.8, 0.8], [0.82, 0.8], [0.8, 0.82]])
    bad = np.array([1.0, 0.1, 0.1, 0.9, 0.9, 0.9])
    tried = Tried(units, np.full(6, 2), np.round(2 * bad).astype(int), bad)
    assert worst_point(tried)[0] >= 0.8
