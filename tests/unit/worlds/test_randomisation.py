"""A table of quantities, and what a scene draws of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.randomisation import Randomisation
from loopyard.worlds import randomisation as r

TABLE = (
    r.Parameter("shine", "visual", 1.0, 0.5, 2.0),
    r.Parameter("floor", "visual", "wood", choices=("wood", "tile", "carpet")),
    r.Parameter("place", "visual", 0.0, -0.1, 0.3, size=3),
    r.Parameter("grip", "physical", 0.6, 0.2, 0.8),
    r.Parameter("count", "scene", 10, 7, 13, whole=True),
)


def drawn(seed: int = 0, **settings) -> dict[str, Any]:
    return r.draw(Randomisation(**settings), TABLE, np.random.default_rng(seed))


def many(name: str, n: int = 400, **settings) -> np.ndarray:
    return np.array([drawn(seed, **settings)[name] for seed in range(n)])


def test_values_fill_their_ranges_and_stay_inside():
    for name, low, high in (("shine", 0.5, 2.0), ("place", -0.1, 0.3), ("grip", 0.2, 0.8)):
        values = many(name)
        assert low <= values.min() < low + 0.02 * (high - low) + 1e-9
        assert high - 0.02 * (high - low) < values.max() <= high
    assert set(many("count")) == set(range(7, 14))
    assert set(many("floor")) == {"wood", "tile", "carpet"}


def test_values_of_one_parameter_are_independent():
    places = many("place")
    assert np.abs(np.corrcoef(places.T) - np.eye(3)).max() < 0.2


def test_the_width_shrinks_a_range_about_its_nominal_value():
    values = many("shine", width=0.1)
    assert 0.95 <= values.min() < 0.96 < 1.09 < values.max() <= 1.1
    assert set(many("count", width=0.34)) == {9, 10, 11}
    share = (many("floor", n=1000, width=0.3) != "wood").mean()
    assert share == pytest.approx(0.3 * 2 / 3, abs=0.05)


def test_a_width_of_its_own_changes_one_parameter_alone():
    wide, narrow = drawn(3), drawn(3, widths={"grip": 0.5})
    assert narrow.pop("grip") == pytest.approx(0.6 + 0.5 * (wide.pop("grip") - 0.6))
    assert narrow == wide


def test_a_range_of_its_own_replaces_the_worlds():
    values = many("grip", ranges={"grip": (0.9, 1.0)})
    assert 0.9 <= values.min() < values.max() <= 1.0
    # Narrowed, it goes from the nominal value to the range.
    assert many("grip", ranges={"grip": (0.9, 1.0)}, width=0.5).max() <= 0.8


@pytest.mark.parametrize("group", ["visual", "physical", "scene"])
def test_a_group_alone_draws_what_it_draws_among_others(group):
    every, alone = drawn(5), drawn(5, groups=(group,))
    assert set(alone) == {part.name for part in TABLE if part.group == group}
    assert alone == {name: every[name] for name in alone}


def test_nothing_is_drawn_without_a_width():
    assert drawn(width=0.0) == {}
    assert set(drawn(width=0.0, widths={"grip": 0.1})) == {"grip"}


def test_most_is_what_a_model_must_be_built_for():
    count = TABLE[-1]
    assert r.most(Randomisation(), count) == 13
    assert r.most(Randomisation(width=0.5), count) == 11
    assert r.most(Randomisation(groups=("visual",)), count) == 10
    assert r.most(Randomisation(ranges={"count": (1.0, 40.0)}), count) == 40


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": {"gripp": 0.5}}, "widths: found 'gripp', expected one of shine, floor"),
        ({"ranges": {"gravity": (1.0, 2.0)}}, "ranges: found 'gravity'"),
        ({"ranges": {"floor": (1.0, 2.0)}}, r"ranges.floor: found \(1.0, 2.0\), expected no range"),
        ({"ranges": {"grip": (0.0, float("inf"))}}, r"ranges.grip: found \(0.0, inf\)"),
    ],
)
def test_a_mistake_is_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        drawn(**settings)


def test_ranges_upside_down_are_refused_even_when_nobody_validated_them():
    upside_down = Randomisation.model_construct(
        groups=("physical",), width=1.0, widths={}, ranges={"grip": (0.8, 0.2)}
    )
    with pytest.raises(ConfigError, match=r"ranges.grip: found \(0.8, 0.2\), expected low <= high"):
        r.draw(upside_down, TABLE, np.random.default_rng(0))


def test_drawn_values_are_told_as_json_has_them():
    told = r.plain({"shine": 1.23456789, "place": (0.1, 0.2), "floor": "tile", "count": 3})
    assert told == {"shine": 1.234568, "place": [0.1, 0.2], "floor": "tile", "count": 3}
