"""Every feature there is, in the order in which they claim room."""

from __future__ import annotations

from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.features.hazards import Cliff, Collapse, Hole
from loopyard.worlds.yard.features.terrain import Ramp, Slope
from loopyard.worlds.yard.features.uneven import Uneven
from loopyard.worlds.yard.params import YardParams

FEATURES: tuple[type[Feature], ...] = (Slope, Ramp, Uneven, Cliff, Hole, Collapse)


def features_of(params: YardParams) -> tuple[Feature, ...]:
    """Fresh features of a kind of yard; none for a general one."""
    return tuple(kind(params) for kind in FEATURES if kind.wanted(params))
