"""Which campaign to watch, read without loading what a campaign needs to run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loopyard.core.errors import ConfigError
from loopyard.core.values import put, yaml_value

LOOPYARD = (sys.executable, "-m", "loopyard.surface.cli")


@dataclass(frozen=True)
class Watched:
    """A campaign. folder: its run folder. words: what `loopyard run` is told."""

    folder: Path
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def command(self) -> list[str]:
        """What starts its runner."""
        return [*LOOPYARD, "run", *self.words]


def watched(place: Path, overrides: Sequence[str] = ()) -> Watched:
    """The campaign of a configuration file, or of the run folder of one that was begun.

    The settings are not checked: the runner does that.

    Raises:
        ConfigError: no campaign there.
    """
    begun = place.is_dir()
    path = place / "campaign.yaml" if begun else place
    told = list(overrides)
    if begun:  # it may have been moved
        folder = place.resolve()
        told += [f"name={folder.name}", f"runs={folder.parent}"]
    settings = _settings(path)
    for override in told:
        name, _, value = override.partition("=")
        put(settings, name, yaml_value(value, "--set", name), "--set")
    folder = Path(str(settings.get("runs", "runs"))) / str(settings.get("name", path.stem))
    words = [str(path), *(word for override in told for word in ("--set", override))]
    return Watched(folder, tuple(words))


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a campaign in YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: found {type(settings).__name__}, expected settings by name")
    return settings
