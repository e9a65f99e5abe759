"""Every feature there is, in the order in which they claim room."""

from __future__ import annotations

from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams

FEATURES: tuple[type[Feature], ...] = ()


def features_of(params: YardParams) -> tuple[Feature, ...]:
    """Fresh features of a kind of yard; none for a general one."""
    return tuple(kind(params) for kind in FEATURES if kind.wanted(params))
