"""Suites never overlap, and never give a scene they do not have."""

from __future__ import annotations

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.seeds import SEED_RANGES, split_of
from loopyard.scenarios.suites import suite_seeds


def test_a_suite_gives_its_own_scenes_in_order():
    assert suite_seeds("gate", 3) == range(900_000, 900_003)
    assert suite_seeds("gate", 3, first=10) == range(900_010, 900_013)


@pytest.mark.parametrize("suite", ["train", "select", "gate"])
def test_every_scene_of_a_suite_belongs_to_it_alone(suite):
    whole = suite_seeds(suite, len(SEED_RANGES[suite]))
    assert split_of(whole[0]) == split_of(whole[-1]) == suite
    others = [seeds for name, seeds in SEED_RANGES.items() if name != suite]
    assert all(whole[-1] < seeds[0] or seeds[-1] < whole[0] for seeds in others)


@pytest.mark.parametrize(("n", "first"), [(0, 0), (-1, 0), (1, -1), (1, 100_000), (100_001, 0)])
def test_scenes_that_a_suite_does_not_have_are_an_error(n, first):
    with pytest.raises(ConfigError, match="suite gate"):
        suite_seeds("gate", n, first)
