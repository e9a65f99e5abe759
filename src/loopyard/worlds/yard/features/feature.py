"""Feature: a part of the yard that a scenario asks for, and that costs nothing elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from loopyard.worlds.yard.params import YardParams

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene


class Feature:
    """Does nothing: override what the feature needs. One instance belongs to one `YardBody`.

    The order of a life: the class is asked whether it is `wanted`; the model is built with its
    `xml`, `solids` and `changes`; `bind` finds its ids. Each scene is drawn by `reserve` and
    `dress` and set up by `place`; each control tick calls `before` and `after`.

    All that a later tick depends on and MuJoCo does not hold lies in `state`, so that a snapshot
    is exact. Randomness within an episode comes from `core.seeds.stream` with the scene's key and
    the tick, never from a generator that is carried along.
    """

    name = "feature"
    shadows = False
    """True: the learner's views are drawn with shadows too."""
    mirrors = False
    """True: they are drawn with reflections too."""

    def __init__(self, params: YardParams) -> None:
        self.params = params

    @classmethod
    def wanted(cls, params: YardParams) -> bool:
        """Does this kind of yard have the feature?"""
        return False

    # -- the model ---------------------------------------------------------------------------

    def solids(self) -> int:
        """How many solids `reserve` gives: bodies for them are built into the model."""
        return 0

    def xml(self) -> str:
        """Elements of its own for the worldbody."""
        return ""

    def equality(self) -> str:
        """Equality constraints of its own."""
        return ""

    def assets(self) -> str:
        """Materials and textures of its own."""
        return ""

    def without_floor(self) -> bool:
        """True where the feature builds a floor of its own instead of the plane."""
        return False

    def open_sides(self) -> tuple[str, ...]:
        """The sides (east, west, north, south) without a kerb."""
        return ()

    def bind(self, body: YardBody) -> None:
        """Once, after the model was built: find ids."""

    # -- the scene ---------------------------------------------------------------------------

    def reserve(self, placer: Placer, rng: np.random.Generator) -> np.ndarray:
        """Claim room before anything else is placed; (solids(), 6) rows as in `Scene.solids`."""
        return np.empty((0, 6))

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        """The scene with the feature's changes: bricks moved, recoloured, not required ..."""
        return scene

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        """At a reset, after everything stands: set up for this scene.

        key: the scenario's digest and the scene's seed, for streams of its own.
        """

    # -- a control tick ----------------------------------------------------------------------

    def before(self, body: YardBody) -> None:
        """Before the physics of tick ``body.tick``."""

    def after(self, body: YardBody) -> dict[str, int]:
        """After it: the events of the tick, by name. May set ``body.ended``."""
        return {}

    def tell(self, fields: dict[str, Any]) -> None:
        """Change what the truth of the moment says: fields of `YardTruth`."""

    def perceive(self, observation: dict[str, Any], tick: int) -> None:
        """Change what the policy observes of the moment, in place."""

    # -- snapshots ---------------------------------------------------------------------------

    def state(self) -> Any:
        """A value that later ticks do not change."""
        return None

    def set_state(self, state: Any, body: YardBody) -> None:
        """Inverse of `state`; also re-applies to the model what depends on it."""
