"""Where a secret comes from: an environment variable, or a file that nobody else may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from loopyard.core.errors import ConfigError, expected


def find_secret(
    name: str, file: Path | None = None, environment: Mapping[str, str] | None = None
) -> SecretStr:
    """The value of ``name`` in the environment, or in a file of lines ``NAME=value``.

    Raises:
        ConfigError: it is in neither, or others may read the file. No value is named.
    """
    found = (os.environ if environment is None else environment).get(name, "")
    if not found and file is not None:
        found = _lines(file.expanduser()).get(name, "")
    if not found:
        where = f" or in {file}" if file is not None else ""
        raise ConfigError(expected("messages", name, "nothing", f"it in the environment{where}"))
    return SecretStr(found)


def _lines(file: Path) -> dict[str, str]:
    try:
        with file.open() as lines:
            mode = stat.S_IMODE(os.fstat(lines.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigError(expected(str(file), "mode", f"{mode:04o}", "0600"))
            pairs = [line.partition("=") for line in lines if not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not readable: {type(error).__name__}") from None
    return {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}
