"""What each script in the corridor must be diagnosed as: see diagnosis_cases.py.

Several patterns may hold at once: who drives straight on ends at a box, or past it on either side.
Which of several is the main one, their order decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diagnosis_cases import Case, Ground
from diagnosis_scripts import corridor as c
from loopyard.core.specs import TASK_KEY
from loopyard.worlds.corridor.instructions import TASK
from loopyard.worlds.corridor.world import CorridorWorld

ANY: dict[str, Any] = {}
TWO = {"boxes": 2}
STEADY = "ACTION_COLLAPSE"


class BlindCorridor(CorridorWorld):
    """A corridor that draws no pictures: a script needs none."""

    def observe(self) -> dict[str, Any]:
        return {TASK_KEY: TASK}


def _stage(world: Any, rng: np.random.Generator) -> c.CorridorStage:
    return c.CorridorStage(world, rng)


CORRIDOR = Ground("corridor", lambda params: BlindCorridor(**params), _stage, (1.0, 1.0))


def case(make: Any, patterns: str, reason: str | None, may: str = "", **more: Any) -> Case:
    named = frozenset(patterns.split()), frozenset(may.split())
    scenes = more.pop("scenes", (ANY,))
    return Case(
        make.__name__, make, None, *named, scenes=scenes, reason=reason, ground=CORRIDOR, **more
    )


STOPPED, STRAIGHT, WRONG, HIT = "STOPPED", "STRAIGHT_AHEAD", "WRONG_SIDE", "HIT_BOX"
WALL, MISSED = "HIT_WALL", "MISSED_CUP"
ENDS = f"{WRONG} {HIT} {MISSED} {STEADY}"
"""How driving straight on may end, and that it may be one value."""

CASES = (
    case(c.stands, STOPPED, "timeout", STEADY),
    case(c.trembles, STOPPED, "timeout", STEADY),
    case(c.creeps, STOPPED, "timeout", STEADY),
    case(c.dithers, STOPPED, "timeout"),
    case(c.stops_before_the_box, STOPPED, "timeout", STEADY),
    case(c.stops_beside_the_box, STOPPED, "timeout"),
    case(c.stops_before_the_cup, STOPPED, "timeout"),
    case(c.drives_straight, STRAIGHT, None, ENDS),
    case(c.hardly_steers, STRAIGHT, None, ENDS),
    case(c.drifts, STRAIGHT, None, ENDS),
    case(c.takes_the_other_side, WRONG, "wrong_side"),
    case(c.changes_its_mind, WRONG, "wrong_side"),
    case(c.other_side_of_the_second, WRONG, "wrong_side", scenes=(TWO,)),
    case(c.cuts_the_corner, HIT, "hit_box"),
    case(c.steers_too_late, HIT, "hit_box"),
    case(c.hits_the_second, HIT, "hit_box", scenes=(TWO,)),
    case(c.swerves_into_the_box, HIT, "hit_box"),
    case(c.cuts_the_other_corner, HIT, "hit_box"),
    case(c.drives_into_the_wall, WALL, "hit_wall", STEADY),
    case(c.misses_the_cup, MISSED, "missed_cup"),
    case(c.weaves, "", "timeout"),
    case(c.is_too_slow, "", "timeout"),
)
EXPERT = Case("expert", c.expert_drives, None, ground=CORRIDOR, scenes=(ANY,))
