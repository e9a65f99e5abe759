"""Widths that grow with success at their edge, and shrink without."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from loopyard.core.errors import ConfigError
from loopyard.core.randomisation import Randomisation
from loopyard.scenarios.curriculum import SIDES, Curriculum
from loopyard.worlds.randomisation import Parameter, draw
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.randomise import yard_table

TABLE = (
    Parameter("grip", "physical", 0.6, 0.2, 0.8),
    Parameter("floor", "visual", "wood", choices=("wood", "tile")),
    Parameter("count", "scene", 10, 7, 13, whole=True),
    Parameter("colour", "visual", 1.0, 0.7, 1.3, size=3),
)


def curriculum(**settings) -> Curriculum:
    return Curriculum.of(TABLE, probes=4, step=0.2, **settings)


def after(state: Curriculum, name: str, results: str) -> Curriculum:
    """Told of probes: + for a success, - for a failure."""
    for result in results:
        state = state.told(name, result == "+")
    return state


@pytest.mark.parametrize(
    ("results", "width"),
    [("++++", 0.6), ("+++-", 0.4), ("++--", 0.2), ("----", 0.2), ("+++", 0.4)],
)
def test_a_width_moves_by_the_success_at_its_edge(results, width):
    state = after(curriculum(width=0.4), "grip", results)
    assert state.widths["grip"] == pytest.approx(width)
    assert state.widths["count"] == 0.4  # another one's results are not its own


def test_a_verdict_begins_the_count_anew_and_is_kept_in_the_history():
    state = after(curriculum(width=0.4), "grip", "++++" + "+-+")
    assert state.results == {"grip": (True, False, True)}
    (change,) = state.history
    assert (change.before, change.after, change.succeeded, change.of) == (0.4, 0.6, 4, 4)


def test_a_width_stays_between_nothing_and_everything():
    wide = after(curriculum(width=0.9), "grip", "++++" * 3)
    narrow = after(curriculum(width=0.1), "grip", "----" * 3)
    assert (wide.widths["grip"], narrow.widths["grip"]) == (1.0, 0.0)


def test_a_state_is_a_value():
    state = curriculum()
    after(state, "grip", "++++")
    assert state == curriculum()
    assert state.mean_width == 0.0


def test_it_survives_json():
    state = after(curriculum(width=0.3), "grip", "+++++-")
    again = Curriculum.model_validate_json(state.model_dump_json())
    assert again == state
    assert after(again, "grip", "++") == after(state, "grip", "++")


def test_probes_take_turns_among_parameters_and_sides():
    state, seen = curriculum(width=0.5), []
    for _ in range(8):
        (probe,) = state.next_probes(TABLE, 1)
        seen.append((probe.name, probe.side))
        state = state.told(probe.name, True)
    names = ["grip", "floor", "count", "colour"]
    assert seen == [(name, side) for side in ("low", "high") for name in names]


def test_probes_are_as_many_as_verdicts_wait_for():
    state = after(curriculum(width=0.5), "grip", "+++")
    names = [probe.name for probe in state.next_probes(TABLE, 100)]
    assert {name: names.count(name) for name in names} == {
        **{"floor": 4, "count": 4, "colour": 4},
        "grip": 1,
    }
    assert names[0] == "floor"  # it was probed less
    assert [probe.name for probe in state.next_probes(TABLE, 5)] == names[:5]


def test_probes_of_one_round_are_judged_together():
    state = curriculum(width=0.4).told("grip", *[True] * 7, False)
    assert state.results == {}
    (change,) = state.history
    assert (change.succeeded, change.of, change.after) == (7, 8, pytest.approx(0.6))


def test_groups_and_ranges_of_the_base_are_kept():
    base = Randomisation(groups=("physical",), width=1.0, ranges={"grip": (0.4, 0.6)})
    state = curriculum(width=0.5, base=base)
    assert set(state.widths) == {"grip"}
    assert state.randomisation().ranges == {"grip": (0.4, 0.6)}
    edge = state.edge(TABLE[0], "low")
    assert edge.groups == ("physical",)
    assert draw(edge, TABLE, np.random.default_rng(0)) == {"grip": pytest.approx(0.5)}


def test_a_probe_lies_at_the_edge_and_draws_the_others():
    state = curriculum(width=0.5)
    edges = zip(SIDES, (0.4, 0.7), (9, 11), (0.85, 1.15), strict=True)
    for side, grip, count, colour in edges:
        for name, value in (("grip", grip), ("count", count), ("colour", (colour,) * 3)):
            part = next(part for part in TABLE if part.name == name)
            edge = state.edge(part, side)
            drawn = [draw(edge, TABLE, np.random.default_rng(seed)) for seed in range(20)]
            assert all(one[name] == pytest.approx(value) for one in drawn), name
            other = "count" if name == "grip" else "grip"
            assert len({one[other] for one in drawn}) > 1


def test_a_choice_is_always_made_anew_at_its_edge():
    edge = curriculum(width=0.1).edge(TABLE[1], "high")
    drawn = [draw(edge, TABLE, np.random.default_rng(seed))["floor"] for seed in range(40)]
    assert 10 < drawn.count("tile") < 30


def test_without_a_width_a_probe_is_a_scene_without_randomisation():
    (probe,) = curriculum().next_probes(TABLE, 1)
    assert draw(probe.randomise, TABLE, np.random.default_rng(0)) == {}


def test_it_finds_how_wide_a_policy_succeeds():
    """A policy that fails beyond 60 % of each range keeps the widths about there."""
    state = Curriculum.of(TABLE, probes=10, step=0.1)
    rng = np.random.default_rng(0)
    for _ in range(10 * 4 * 12):
        (probe,) = state.next_probes(TABLE, 1)
        state = state.told(probe.name, bool(state.widths[probe.name] < 0.6 or rng.random() < 0.2))
    assert all(0.5 <= width <= 0.6 for width in state.widths.values())


def test_the_yards_own_table_can_be_learnt():
    table = yard_table(yard_params("mid"))
    state = Curriculum.of(table, width=0.5)
    for part in table:
        for side in ("low", "high"):
            draw(state.edge(part, side), table, np.random.default_rng(0))
    assert set(state.randomisation().widths) == {part.name for part in table}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widen_at": 0.5, "narrow_at": 0.5}, "narrow_at: found 0.5, expected less than"),
        ({"step": 0.0}, "step"),
        ({"width": 1.5}, "widths.grip"),
        ({"results": {"gripp": (True,)}}, "results: found 'gripp'"),
        ({"results": {"grip": (True,) * 9}, "probes": 4}, "results.grip: found 9"),
    ],
)
def test_settings_that_contradict_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        Curriculum.of(TABLE, **settings)


def test_an_unknown_parameter_is_named():
    with pytest.raises(ConfigError, match="curriculum: name: found 'gripp', expected one of grip"):
        curriculum().told("gripp", True)
    with pytest.raises(ConfigError, match="name: found 'colour'"):
        curriculum().next_probes(TABLE[:3], 1)
