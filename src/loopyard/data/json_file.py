"""JSON files of a dataset, read without trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected

MAX_JSON_BYTES = 16 * 1024 * 1024
"""In memory JSON may take twenty times its size."""


def read_json(path: Path) -> Any:
    """A JSON file. Raises DatasetError naming it where it is missing or malformed."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DatasetError(
                expected(str(path), "size", path.stat().st_size, f"at most {MAX_JSON_BYTES} bytes")
            )
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise DatasetError(expected(str(path), "content", str(error), "JSON")) from error
