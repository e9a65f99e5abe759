"""What is known of a world's parameters before the world is made: names, limits, possible scenes.

A built-in world is known here. A world of a user's own tells when it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from loopyard.core.errors import ConfigError, expected
from loopyard.core.scenario import Scenario
from loopyard.worlds.randomisation import Parameter
from loopyard.worlds.registry import BUILT_IN, load_class

MODELS = {
    "yard": "loopyard.worlds.yard.params:YardParams",
    "corridor": "loopyard.worlds.corridor.params:CorridorParams",
}


def params_model(world: str, where: str = "scenario") -> type[BaseModel] | None:
    """The model of a built-in world's parameters; None for a world of a user's own.

    Raises:
        ConfigError: neither a built-in world nor 'package.module:ClassName'; ``where`` begins it.
    """
    if world in MODELS:
        return load_class(MODELS[world], "world")
    if ":" not in world:
        wanted = f"one of {sorted(BUILT_IN)} or 'package.module:ClassName'"
        raise ConfigError(expected(where, "world", world, wanted))
    return None


def check_name(where: str, world: str, name: str) -> None:
    """Does the world have a parameter of this name?

    Raises:
        ConfigError: it has not; ``where`` begins the message.
    """
    model = params_model(world, where)
    if model is not None and name not in model.model_fields:
        wanted = f"a parameter of the {world}: {', '.join(model.model_fields)}"
        raise ConfigError(expected(where, "parameter", name, wanted))


def check_value(where: str, world: str, name: str, value: Any) -> None:
    """Is ``value`` one that the world's parameter ``name`` may have, taken by itself?

    Raises:
        ConfigError: unknown parameter, wrong type or out of range; ``where`` begins the message.
    """
    check_name(where, world, name)
    if (model := params_model(world)) is None:
        return
    field = model.model_fields[name]
    kind: Any = field.annotation
    try:
        create_model("Value", value=(kind, field)).model_validate({"value": value})
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise ConfigError(f"{where}.{name}: found {value!r}, {message}") from None


def base_value(base: Scenario, name: str) -> Any:
    """The value of a parameter in a scenario: its own, or its preset's; None where unknown."""
    if base.world == "yard":
        from loopyard.worlds.yard.params import yard_params

        return getattr(yard_params(base.preset, base.params), name, None)
    if base.world == "corridor":
        from loopyard.worlds.corridor.params import corridor_params

        return getattr(corridor_params(base.preset, base.params), name, None)
    return base.params.get(name)


def randomisation_table(base: Scenario) -> tuple[Parameter, ...]:
    """What the world of a scenario can draw anew in each scene; () where it does not say.

    A world of a user's own says it in a class attribute of this name.
    """
    if base.world == "yard":
        from loopyard.worlds.yard.params import yard_params
        from loopyard.worlds.yard.randomise import yard_table

        return yard_table(yard_params(base.preset, base.params))
    if base.world == "corridor":
        from loopyard.worlds.corridor.randomise import TABLE

        return TABLE
    return tuple(getattr(load_class(base.world, "world"), "randomisation_table", ()))


def require_possible(scenario: Scenario, seed: int) -> None:
    """Does the scene of (scenario, seed) exist? Draws it, without physics or pictures.

    A world of a user's own is asked only when it is reset.

    Raises:
        ConfigError: a parameter is unknown or out of range.
        WorldError: something has no free place.
    """
    if (check := _SCENES.get(scenario.world)) is not None:
        check(scenario, seed)


def _draw_yard(scenario: Scenario, seed: int) -> None:
    from loopyard.worlds.yard.features.catalogue import features_of
    from loopyard.worlds.yard.params import yard_params
    from loopyard.worlds.yard.randomise import built_params, drawn_for, scene_digest
    from loopyard.worlds.yard.scene import draw_scene

    params, randomise = yard_params(scenario.preset, scenario.params), scenario.randomise
    features = features_of(built_params(params, randomise), randomised=randomise is not None)
    key = scene_digest(scenario), seed
    draw_scene(params, *key, features, drawn_for(scenario, params, key))


_SCENES: dict[str, Callable[[Scenario, int], None]] = {"yard": _draw_yard}
