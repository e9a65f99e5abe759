"""The expert of a world: the built-in one, or the one a user's world brings along."""

from __future__ import annotations

from typing import Any

from loopyard.core.errors import ConfigError
from loopyard.experts.expert import Expert
from loopyard.worlds.registry import load_class
from loopyard.worlds.world import spec_of

BUILT_IN = {
    "yard": "loopyard.experts.yard:YardExpert",
    "corridor": "loopyard.experts.corridor:CorridorExpert",
}


def make_expert(world: Any, expert: str | None = None) -> Expert:
    """The expert named by ``package.module:ClassName``, the world's own, or the built-in one.

    A user's world brings its expert as ``make_expert()`` or as a nested class ``Expert``.

    Raises:
        ConfigError: the world has no expert and none is named.
    """
    if expert is not None:
        return load_class(expert, "expert")()
    if callable(getattr(world, "make_expert", None)):
        return world.make_expert()
    own = getattr(world, "Expert", None)
    if own is not None:
        return own()
    name = spec_of(world).world
    if name not in BUILT_IN:
        raise ConfigError(
            f"expert: the world '{name}' has none; give it a make_expert(), a class Expert, "
            "or name one as package.module:ClassName"
        )
    return load_class(BUILT_IN[name], "expert")()
