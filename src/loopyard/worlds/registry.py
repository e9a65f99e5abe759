"""Worlds by name: the built-in ones, and a user's own as ``package.module:ClassName``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from loopyard.core.errors import ConfigError, WorldError
from loopyard.worlds.graphics import no_graphics

if TYPE_CHECKING:  # it loads Gymnasium, and whoever only looks for a class needs none
    from loopyard.worlds.world import World

BUILT_IN = {
    "yard": "loopyard.worlds.yard.world:YardWorld",
    "corridor": "loopyard.worlds.corridor.world:CorridorWorld",
}
NEEDED = ("reset", "step", "truth", "snapshot", "restore")


def make_world(world: str, preset: str = "starter", **params: Any) -> World:
    """A world, ready to be reset.

    Args:
        world: ``yard``, ``corridor``, or ``package.module:ClassName`` of a world of your own, which
            is called with ``params`` (and with ``preset`` where its constructor takes one).

    Raises:
        ConfigError: no such world, preset or parameter.
        GraphicsError: MuJoCo does not load with this MUJOCO_GL.
        WorldError: the class lacks a part of the world protocol.
    """
    if world in BUILT_IN:
        return _built_in(world)(preset=preset, **params)
    if ":" not in world:
        raise ConfigError(
            f"world: found '{world}', expected one of {sorted(BUILT_IN)} "
            "or 'package.module:ClassName'"
        )
    kind = load_class(world, "world")
    missing = [name for name in NEEDED if not callable(getattr(kind, name, None))]
    if missing:
        raise WorldError(f"{world}: found no {', '.join(missing)}; a world needs {NEEDED}")
    if _takes_preset(kind):
        params = {"preset": preset, **params}
    try:
        made = kind(**params)
    except TypeError as error:
        raise ConfigError(f"{world}: cannot be made with {params}: {error}") from error
    made.loopyard_name = world
    return made


def _built_in(world: str) -> type[Any]:
    try:
        return load_class(BUILT_IN[world], "world")
    except (RuntimeError, AttributeError, OSError) as error:
        raise no_graphics(error) from error  # MuJoCo looks for a renderer when it is imported


def load_class(path: str, role: str) -> type[Any]:
    """The class at ``package.module:ClassName``.

    Raises:
        ConfigError: the module cannot be imported or has no such class.
    """
    module_name, _, class_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"{role}: {path}: cannot import '{module_name}': {error} "
            "(looked in the current folder and on PYTHONPATH)"
        ) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise ConfigError(f"{role}: {path}: '{module_name}' has no class '{class_name}'")
    return found


def _takes_preset(kind: type[Any]) -> bool:
    import inspect

    parameters = inspect.signature(kind).parameters
    return "preset" in parameters
