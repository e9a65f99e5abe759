"""Scenes as a file: one scenario and its seed a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from loopyard.core.errors import ConfigError
from loopyard.core.scenario import Scenario
from loopyard.scenarios.suites import SuiteScene
from loopyard.store.atomic import write_text


def write_scenes(path: Path, scenes: Iterable[tuple[Scenario, int]]) -> None:
    """``{"seed": ..., "scenario": {...}}`` on each line, whole or not at all."""
    lines = [
        json.dumps({"seed": seed, "scenario": scenario.model_dump(mode="json")})
        for scenario, seed in scenes
    ]
    write_text(path, "".join(line + "\n" for line in lines))


def read_scenes(path: Path) -> list[SuiteScene]:
    """Inverse of `write_scenes`.

    Raises:
        ConfigError: no such file, no line in it, or a line that is no scene; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    scenes = [_scene(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not scenes:
        raise ConfigError(f"{path}: found no scene, expected one a line")
    return scenes


def _scene(path: Path, number: int, line: str) -> SuiteScene:
    try:
        found = json.loads(line)
        return SuiteScene(Scenario.model_validate(found["scenario"]), int(found["seed"]))
    except (ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{path}: line {number}: found {line[:60]!r}, expected "
            f'{{"seed": ..., "scenario": {{...}}}}: {reason}'
        ) from None
