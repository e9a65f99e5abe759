"""Registries as files: the built-in modes, a user's YAML, and what a run has learnt."""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from loopyard.core.errors import ConfigError, expected
from loopyard.scenarios.mode import FailureMode, Recipe
from loopyard.scenarios.registry import Change, Registry
from loopyard.scenarios.world_params import MODELS, check_name, check_value, params_model
from loopyard.store.atomic import write_json, write_text

SUFFIXES = (".yaml", ".yml", ".json")


def read_built_in() -> Registry:
    """The modes of failure_modes.csv, staged as each built-in world's modes.yaml says."""
    source = resources.files("loopyard.scenarios") / "failure_modes.csv"
    rows = {row["id"]: dict(row) for row in csv.DictReader(source.read_text().splitlines())}
    worlds: dict[str, dict[str, Any]] = {id: {} for id in rows}
    general: dict[str, Any] = {}
    for world in MODELS:
        staged = _parse((resources.files(f"loopyard.worlds.{world}") / "modes.yaml").read_text())
        general[world] = staged["general"]
        for id, recipe in staged["modes"].items():
            rows[id]["expected"] = recipe.pop("expected", "complete_collection")
            worlds[id][world] = recipe
    modes = [{**row, "worlds": worlds[id]} for id, row in rows.items()]
    return Registry.model_validate({"modes": modes, "general": general})


def read_registry(path: Path) -> Registry:
    """The registry of a YAML or JSON file: a user's modes, or what `save_registry` wrote.

    Raises:
        ConfigError: naming file, field, what was found and what was expected.
    """
    try:
        content = _parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise ConfigError(expected(str(path), "file", reason, "a YAML or JSON file")) from None
    except ValueError as error:
        raise ConfigError(f"{path}: does not parse: {error}") from None
    if not isinstance(content, dict):
        wanted = "a mapping with 'modes:', a list"
        raise ConfigError(expected(str(path), "content", type(content).__name__, wanted))
    try:
        registry = Registry.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first(error, content)}") from None
    for mode in registry.modes:
        for world, recipe in mode.worlds.items():
            _check(f"{path}: {mode.id}: worlds.{world}", world, recipe)
    for world, recipe in registry.general.items():
        _check(f"{path}: general.{world}", world, recipe)
    return registry


def save_registry(registry: Registry, path: Path) -> None:
    """Write a registry, its history with it; ``.json``, ``.yaml`` or ``.yml``.

    Raises:
        ConfigError: another suffix.
    """
    content = registry.model_dump(mode="json", exclude_defaults=True)
    if path.suffix == ".json":
        write_json(path, content)
    elif path.suffix in SUFFIXES:
        import yaml

        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
        write_text(path, text)
    else:
        raise ConfigError(expected(str(path), "suffix", path.suffix, " or ".join(SUFFIXES)))


def _parse(text: str) -> Any:
    """YAML, of which JSON is a part. Raises ValueError with the place."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _first(error: ValidationError, content: dict[str, Any]) -> str:
    """The first mistake: a mode by its id where it has one, field, value, what was expected."""
    # A misspelt name is told before the one that it left missing.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    loc = first["loc"]
    place = [str(part) for part in loc]
    if place[:1] == ["modes"] and len(place) > 1:
        mode = content["modes"][int(place[1])]
        named = isinstance(mode, dict) and "id" in mode
        place[:2] = [str(mode["id"]) if named else f"modes.{place[1]}"]
    head = ": ".join([*place[:1], ".".join(place[1:])] if place[1:] else place)
    if first["type"] == "value_error":  # our own words, which name what was found
        return f"{head}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")
    if first["type"] == "missing":
        return f"{head}: found nothing, expected a value"
    wanted = first["msg"]
    if first["type"] == "extra_forbidden":
        wanted = f"expected one of {', '.join(_model_at(loc).model_fields)}"
    return f"{head}: found {_short(first['input'])}, {wanted}"


def _model_at(loc: tuple[int | str, ...]) -> type[BaseModel]:
    if len(loc) == 1:
        return Registry
    if loc[0] == "history":
        return Change
    return FailureMode if loc[0] == "modes" and len(loc) == 3 else Recipe


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _check(where: str, world: str, recipe: Recipe) -> None:
    """Every value that the recipe can give, held against what the world takes."""
    params_model(world, where)
    for name in recipe.vary:
        check_name(f"{where}.vary", world, name)
    for name, value in recipe.params.items():
        check_value(f"{where}.params", world, name, value)
    for part, values in (("draw", recipe.draw), ("choose", recipe.choose)):
        for name, several in values.items():
            for value in several:
                check_value(f"{where}.{part}", world, name, value)
