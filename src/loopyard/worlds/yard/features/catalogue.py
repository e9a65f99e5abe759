"""Every feature there is, in the order in which they claim room."""

from __future__ import annotations

from loopyard.worlds.yard.features.box_heap import BoxHeap
from loopyard.worlds.yard.features.brick_kinds import BrickSizes, StuckBricks
from loopyard.worlds.yard.features.brick_places import (
    ClusteredBricks,
    FarStart,
    SpreadBricks,
    WallBricks,
)
from loopyard.worlds.yard.features.distractors import Distractors
from loopyard.worlds.yard.features.door import Door
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.features.fragile import Fragile
from loopyard.worlds.yard.features.ghost import Ghosts
from loopyard.worlds.yard.features.hazards import Cliff, Collapse, Hole
from loopyard.worlds.yard.features.hidden import HiddenBricks
from loopyard.worlds.yard.features.layouts import Blocked, Gap, Trap, Zigzag
from loopyard.worlds.yard.features.light import FloorColoured, Light
from loopyard.worlds.yard.features.meddling import MovedBricks
from loopyard.worlds.yard.features.movers import Child, Pet
from loopyard.worlds.yard.features.noise import SensorNoise
from loopyard.worlds.yard.features.randomised import Randomised
from loopyard.worlds.yard.features.spill import Spill
from loopyard.worlds.yard.features.surface import Surface
from loopyard.worlds.yard.features.terrain import Ramp, Slope
from loopyard.worlds.yard.features.uneven import Uneven
from loopyard.worlds.yard.params import YardParams

FEATURES: tuple[type[Feature], ...] = (
    Slope,
    Ramp,
    Uneven,
    Cliff,
    Hole,
    Collapse,
    Door,
    BrickSizes,
    Gap,
    Blocked,
    Trap,
    Zigzag,
    HiddenBricks,
    WallBricks,
    ClusteredBricks,
    SpreadBricks,
    FarStart,
    StuckBricks,
    Fragile,
    Distractors,
    Spill,
    BoxHeap,
    Light,
    FloorColoured,
    Surface,
    Pet,
    Child,
    MovedBricks,
    Ghosts,
    SensorNoise,
)


def features_of(params: YardParams, *, randomised: bool = False) -> tuple[Feature, ...]:
    """Fresh features of a kind of yard; none for a general one that is not randomised."""
    wanted = tuple(kind(params) for kind in FEATURES if kind.wanted(params))
    return (*wanted, Randomised(params)) if randomised else wanted
