"""A scene of the corridor: a pure function of (scenario, seed)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

import numpy as np

from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.cases import STARTS_AT, STRATA_OF
from loopyard.worlds.corridor.instructions import Side, instruction
from loopyard.worlds.corridor.params import ANY, CorridorParams
from loopyard.worlds.corridor.strata import TOLD, stratum_name

Choice = TypeVar("Choice")

EVENING_SHARE = 0.2
"""Of the scenes whose light is not told."""
NOT_OF_THE_PICTURE = ("side", "language")
"""Parameters that change nothing of what stands where."""

BOX_COLOURS = np.array(
    [(0.55, 0.38, 0.20), (0.20, 0.35, 0.65), (0.25, 0.50, 0.28), (0.62, 0.62, 0.64)], np.float32
)
"""Cardboard, blue, green, grey: none is the cup's red."""
CUP_RGB = (0.85, 0.08, 0.10)


@dataclass(frozen=True)
class Spread:
    """How far a layout strays from the nominal places, each to both sides."""

    start_m: tuple[float, float]
    box_m: float
    second_m: float
    behind_m: tuple[float, float]
    cup_m: float
    size: float


SPREADS = {
    "core": Spread((0.05, 0.15), 0.12, 0.12, (0.85, 1.05), 0.25, 0.05),
    "variant": Spread((0.15, 0.45), 0.35, 0.25, (0.75, 1.40), 0.60, 0.20),
    "new": Spread((0.15, 0.70), 0.55, 0.25, (0.75, 1.70), 0.85, 0.30),
}
"""start_m in x and y; box_m, second_m, cup_m in y; behind_m from the last box to the cup in x; size
is a share of a box's extents. ``new`` is of a case to validate on alone."""
SECOND_BOX_M = (0.75, 1.05)
"""Behind the first one."""


@dataclass(frozen=True)
class Scene:
    """Where everything stands at the start. Metres; the base looks along x, y is to its left.

    boxes: (N, 6) x, y, yaw and half extents, nearest first. box_rgb: (N, 3) in [0, 1]. base, cup:
    (2,) x, y. side: on which every box has to be passed. strata: {part: value} of the parameters
    that say what a scene is of. drawn: what domain randomisation drew, {} without it. speed_mps:
    with which the base begins, ahead.
    """

    boxes: np.ndarray
    box_rgb: np.ndarray
    base: np.ndarray
    cup: np.ndarray
    side: Side
    instruction: str
    strata: Mapping[str, str]
    drawn: Mapping[str, Any] = field(default_factory=dict)
    speed_mps: float = 0.0

    @property
    def evening(self) -> bool:
        return self.strata["light"] == "evening"

    @property
    def stratum(self) -> str:
        """All of it in a word, as the predecessor named its episodes."""
        return stratum_name(self.strata)


def scene_digest(scenario: Scenario) -> str:
    """The name under which a scenario's places are drawn: the same for both sides, for every
    language, and with randomisation as without."""
    params = {k: v for k, v in scenario.params.items() if k not in NOT_OF_THE_PICTURE}
    return scenario.model_copy(update={"params": params, "randomise": None}).digest


def draw_scene(
    params: CorridorParams, digest: str, seed: int, drawn: Mapping[str, Any] | None = None
) -> Scene:
    """The scene of a scenario's digest and a seed: always the same one, on any machine."""
    rng = stream("corridor-scene", digest, seed)
    kinds = {**_kinds(params, rng), **STRATA_OF[params.case]}
    spread = SPREADS[kinds["layout"]]
    base = rng.uniform(-1.0, 1.0, 2) * spread.start_m
    boxes = _boxes(kinds, spread, base, rng)
    last = boxes[-1]
    cup_x = last[0] + last[3] + rng.uniform(*spread.behind_m)
    cup = np.array([cup_x, last[1] + rng.uniform(-spread.cup_m, spread.cup_m)])
    colours = BOX_COLOURS[rng.integers(len(BOX_COLOURS), size=len(boxes))]
    told = stream("corridor-instruction", digest, seed)
    side: Side = _either(params.side, ("left", "right"), told)
    language = _either(params.language, ("english", "korean"), told)
    text = instruction(side, language, int(told.integers(1 << 30)), len(boxes))
    told_of = {**kinds, "side": side, "language": language}
    strata = {part: str(told_of[part]) for part in TOLD}
    speed_mps = STARTS_AT.get(params.case, 0.0) * params.max_speed_mps
    return Scene(boxes, colours, base, cup, side, text, strata, drawn or {}, speed_mps)


def _kinds(params: CorridorParams, rng: np.random.Generator) -> dict[str, Any]:
    """The strata of this scene, the side apart. One number is drawn for each, told or not."""
    fields = CorridorParams.model_fields
    kinds: dict[str, Any] = {}
    for name in ("orientation", "layout", "distance"):
        choices = [choice for choice in get_args(fields[name].annotation) if choice != ANY]
        kinds[name] = _either(getattr(params, name), choices, rng)
    evening = rng.random() < EVENING_SHARE
    kinds["light"] = ("evening" if evening else "day") if params.light == ANY else params.light
    count = 1 + int(rng.random() < 0.5)
    kinds["boxes"] = count if params.boxes is None else params.boxes
    return kinds


def _either(told: str, choices: Any, rng: np.random.Generator) -> Any:
    drawn = choices[int(rng.integers(len(choices)))]
    return drawn if told == ANY else told


def _boxes(
    kinds: Mapping[str, Any], spread: Spread, base: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(N, 6) rows of `Scene.boxes`. The second one is drawn whether it is there or not."""
    half = np.array(g.BOX_HALF_M[kinds["orientation"]])
    halves = half * (1.0 + rng.uniform(-spread.size, spread.size, (2, 3)))
    first_x = base[0] + rng.uniform(*g.FRONT_M[kinds["distance"]]) + halves[0, 0]
    first_y = rng.uniform(-spread.box_m, spread.box_m)
    second_x = first_x + rng.uniform(*SECOND_BOX_M)
    second_y = first_y + rng.uniform(-spread.second_m, spread.second_m)
    places = np.array([(first_x, first_y, 0.0), (second_x, second_y, 0.0)])
    return np.hstack([places, halves])[: kinds["boxes"]]
