"""One failure mode: its scores, how a world is set up for it, and a scenario of it.

With --schema, the JSON Schema of what you may write: a scenario, or a file of modes of your own.

Example: loopyard scenarios show FM-B01
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from loopyard.surface.console import Console
from loopyard.surface.scenario_options import BaseOptions


@dataclass(frozen=True)
class Options(BaseOptions):
    """Which mode, in which world."""

    id: Annotated[str | None, tyro.conf.Positional] = None
    """a mode's id, such as FM-B01"""
    schema: Literal["scenario", "modes"] | None = None
    """print a JSON Schema instead"""


def run(options: Options, console: Console) -> int:
    """Prints the mode, or a schema."""
    from loopyard.core.errors import ConfigError, expected

    if options.schema is not None:
        schema = _schema(options.schema, options.world)
        console.result(schema, json.dumps(schema, indent=2))
        return 0
    if options.id is None:
        raise ConfigError(expected("scenarios show", "id", None, "a mode's id, or --schema"))
    answer = _mode(options, options.id)
    console.result(answer, _text(answer))
    return 0


def _schema(kind: str, world: str) -> dict[str, Any]:
    from loopyard.core.scenario import Scenario
    from loopyard.scenarios.registry import Registry
    from loopyard.scenarios.world_params import params_model

    if kind == "modes":
        return Registry.model_json_schema()
    schema = Scenario.model_json_schema()
    model = params_model(world)
    if model is not None:
        own = model.model_json_schema(ref_template="#/$defs/{model}")
        schema["$defs"] |= own.pop("$defs", {}) | {model.__name__: own}
        schema["properties"]["world"]["const"] = world
        schema["properties"]["params"] |= {"$ref": f"#/$defs/{model.__name__}"}
        schema["properties"]["params"].pop("additionalProperties", None)
    return schema


def _mode(options: Options, id: str) -> dict[str, Any]:
    from loopyard.scenarios.suites import suite_scenes
    from loopyard.surface.commands.scenarios_list import mode_row

    registry = options.open()
    mode = registry[id]
    answer = mode_row(mode)
    answer["history"] = [c.model_dump(mode="json") for c in registry.history if c.id == id]
    answer["example"] = None
    if options.world in mode.worlds:
        scene = suite_scenes(id, 1, options.base(), registry)[0]
        answer["example"] = scene.scenario.model_dump(mode="json", exclude_defaults=True)
    return answer


def _text(answer: dict[str, Any]) -> str:
    scores = (
        f"severity {answer['severity']}, occurrence {answer['occurrence']:g}, difficulty "
        f"{answer['difficulty']}: SPS {answer['sps']:.1f}, tier {answer['tier']}"
    )
    expected, behaviour = answer["expected"].replace("_", " "), answer["behaviour"]
    if behaviour not in ("", expected):
        expected = f"{expected}: {behaviour}"
    lines = [
        f"{answer['id']}  {answer['text']}",
        f"function: {answer['function']}",
        scores,
        f"expected: {expected}",
    ]
    for world, recipe in answer["worlds"].items():
        parts = [f"{name} = {value}" for name, value in recipe["params"].items()]
        parts += [f"{name} in {low} to {high}" for name, (low, high) in recipe["draw"].items()]
        parts += [f"{name} one of {values}" for name, values in recipe["choose"].items()]
        parts += [f"{name} within {share:.0%}" for name, share in recipe["vary"].items()]
        lines.append(f"{world}: {', '.join(parts)}")
    for change in answer["history"]:
        before = "new" if change["before"] is None else f"{change['before']:g}"
        lines.append(
            f"cycle {change['cycle']}: occurrence {before} -> {change['after']:g}: {change['why']}"
        )
    if answer["example"]:
        lines.append(f"example: {json.dumps(answer['example'])}")
    return "\n".join(lines)
