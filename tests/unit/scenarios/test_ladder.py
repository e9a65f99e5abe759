"""A ladder: a rung opens when the one before it is driven well, on enough drives that speak for
it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from loopyard.scenarios.ladder import Ladder

NEAR, DAY = {"distance": "close", "light": "day"}, {"light": "day"}
LADDER = Ladder(rungs=(NEAR, DAY, {}), bar=0.8, fewest=5)
ALL = (0, 1, 2)


def drives(rungs: tuple[int, ...], succeeded: int, of: int) -> list[tuple[tuple[int, ...], bool]]:
    return [(rungs, index < succeeded) for index in range(of)]


def test_a_drive_of_a_rungs_scenes_tells_of_that_rung():
    assert LADDER.of({**NEAR, "boxes": 1}, {"distance": "close", "light": "day"}) == (0,)
    assert LADDER.of(DAY, {"distance": "close", "light": "day"}) == (1,)


def test_a_drive_of_the_campaigns_own_tells_of_what_its_scene_falls_into():
    assert LADDER.of({}, {"distance": "close", "light": "day"}) == ALL
    assert LADDER.of({}, {"distance": "far", "light": "day"}) == (1, 2)
    assert LADDER.of({}, {"distance": "far", "light": "evening"}) == (2,)
    assert LADDER.of({}, {}) == (2,)


@pytest.mark.parametrize(
    ("found", "opened"),
    [
        (drives((0,), 8, 10), 2),
        (drives((0,), 7, 10), 1),
        (drives((0,), 4, 4), 1),  # too few
        (drives((1,), 10, 10), 1),  # of a rung that is not open yet
        (drives((0,), 5, 5) + drives((1,), 4, 5), 3),
        (drives(ALL, 5, 5), 3),
        ([], 1),
    ],
)
def test_how_many_are_open(found, opened):
    assert LADDER.opened(found, 1) == opened


def test_what_is_open_stays_open():
    assert LADDER.opened(drives(ALL, 0, 20), 2) == 2
    assert LADDER.opened(drives(ALL, 20, 20), 3) == 3


def test_one_rung_is_no_ladder():
    with pytest.raises(ValidationError):
        Ladder(rungs=(NEAR,))
