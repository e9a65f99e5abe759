"""What scenes of the corridor are of: the parts of a stratum, its name, and every one there is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

PARTS: dict[str, tuple[Any, ...]] = {
    "boxes": (1, 2),
    "orientation": ("vertical", "horizontal"),
    "side": ("left", "right"),
    "layout": ("core", "variant"),
    "distance": ("close", "medium", "far"),
    "light": ("day", "evening"),
}
"""Parameters and their values; the language has no part in a stratum's name."""
TOLD = (*PARTS, "language")
"""Parameters that say what a scene is of."""


def stratum_name(strata: Mapping[str, Any]) -> str:
    """``1box_vert_left_core_medium_evening``, as the predecessor named its episodes."""
    parts = [f"{strata['boxes']}box", strata["orientation"][:4]]
    parts += [strata[name] for name in ("side", "layout", "distance")]
    return "_".join([*parts, *(["evening"] if strata["light"] == "evening" else [])])


def every_stratum() -> dict[str, dict[str, Any]]:
    """Parameters of each stratum, by its name."""
    several = (dict(zip(PARTS, values, strict=True)) for values in product(*PARTS.values()))
    return {stratum_name(params): params for params in several}
