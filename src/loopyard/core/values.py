"""Values that a user typed as text, read as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loopyard.core.errors import ConfigError, expected


def yaml_value(text: str, flag: str, name: str) -> Any:
    """What ``text`` means: a number, a list, true, null or itself.

    Raises:
        ConfigError: naming ``flag`` and ``name``, where it is not YAML.
    """
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(expected(flag, name, text, f"a value in YAML: {reason}")) from None


def yaml_values(pairs: Mapping[str, str], flag: str) -> dict[str, Any]:
    """The same of several values by name."""
    return {name: yaml_value(text, flag, name) for name, text in pairs.items()}


def put(settings: dict[str, Any], path: str, value: Any, flag: str) -> None:
    """Set ``section.name`` in nested settings, making the sections it names.

    Raises:
        ConfigError: a section on the way is a value.
    """
    *sections, name = path.split(".")
    part = settings
    for depth, section in enumerate(sections, 1):
        if part.get(section) is None:
            part[section] = {}
        part = part[section]
        if not isinstance(part, dict):
            raise ConfigError(
                f"{flag}: {path}: '{'.'.join(sections[:depth])}' is a value, which has no parts"
            )
    part[name] = value
