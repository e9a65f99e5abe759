"""Importers by name: the built-in ones, and a user's own as ``package.module:ClassName``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.data.importers.importer import Importer
from loopyard.worlds.registry import load_class

HERE = "loopyard.data.importers"
BUILT_IN: dict[str, str] = {
    "act": f"{HERE}.hdf5.act:ActImporter",
    "bags": f"{HERE}.bags.importer:BagsImporter",
    "lerobot": f"{HERE}.lerobot.importer:LeRobotImporter",
    "mobile-vla": f"{HERE}.hdf5.mobile_vla:MobileVlaImporter",
    "raw": f"{HERE}.raw:RawImporter",
    "robomimic": f"{HERE}.hdf5.robomimic:RobomimicImporter",
}
"""What may be typed, and the class behind it."""


def sniffed(source: Path, params: dict[str, Any] | None = None) -> str:
    """The form of the recordings at ``source``: the first that reads their first episode.

    Raises:
        DatasetError: none does; each says why.
    """
    reasons = []
    for name in BUILT_IN:
        try:
            importer = make_importer(name, source, params)
            getattr(importer, "check", lambda: None)()
            importer.open(importer.episodes()[0])
        except (DatasetError, ConfigError) as error:
            reasons.append(f"\n  {name}: {error}")
        else:
            return name
    raise DatasetError(f"{source}: no form that is known:{''.join(reasons)}")


def make_importer(name: str, source: Path, params: dict[str, Any] | None = None) -> Importer:
    """An importer of the recordings at ``source``.

    Args:
        name: one of BUILT_IN, or ``package.module:ClassName``. params: of its ``Params``.

    Raises:
        ConfigError: no such importer, or a setting that does not fit it. DatasetError: no source.
    """
    if name not in BUILT_IN and ":" not in name:
        raise ConfigError(
            expected(
                "import",
                "format",
                name,
                f"auto, one of {sorted(BUILT_IN)} or 'package.module:ClassName'",
            )
        )
    kind = load_class(BUILT_IN.get(name, name), "importer")
    missing = [part for part in ("Params", "episodes", "open") if not hasattr(kind, part)]
    if missing:
        raise ConfigError(f"importer: {name}: found no {', '.join(missing)}, expected an Importer")
    try:
        settings = kind.Params(**(params or {}))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "params"
        known = ", ".join(kind.Params.model_fields) or "none"
        raise ConfigError(
            f"import {name}: --params {field}: {first['msg']} (parameters: {known})"
        ) from error
    if not Path(source).exists():
        raise DatasetError(expected(str(source), "source", "nothing", f"recordings ({name})"))
    return kind(Path(source), settings)
