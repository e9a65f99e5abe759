"""What only our own datasets say: scenes, outcomes and digests, read without trust."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.data.episode import EpisodeRow
from loopyard.data.json_file import read_json
from loopyard.data.layout import OWN_EPISODES_FILE, OWN_FILE, OWN_SCHEMA

MAX_LINE_BYTES = 1024 * 1024


def read_own(root: Path) -> dict[str, Any] | None:
    """meta/loopyard.json, or None where the dataset is another's. Raises DatasetError."""
    path = root / OWN_FILE
    if not path.exists():
        return None
    own = read_json(path)
    if not isinstance(own, dict) or own.get("schema") != OWN_SCHEMA:
        raise DatasetError(
            expected(
                str(path),
                "schema",
                own if not isinstance(own, dict) else own.get("schema"),
                OWN_SCHEMA,
            )
        )
    for name, kind in {"digest": str, "chunk_size": int, "world": dict}.items():
        if not isinstance(own.get(name), kind):
            raise DatasetError(expected(str(path), name, own.get(name), kind.__name__))
    if not re.fullmatch(r"[0-9a-f]{64}", own["digest"]):
        raise DatasetError(expected(str(path), "digest", own["digest"], "64 hex digits"))
    return own


def read_own_rows(
    root: Path, rows: list[dict[str, Any]]
) -> tuple[list[EpisodeRow], list[dict[str, dict[str, Any]]]]:
    """Each episode's row and its files; they agree with meta/episodes. Raises DatasetError."""
    path = root / OWN_EPISODES_FILE
    own_rows, own_files = [], []
    try:
        with path.open(encoding="utf-8") as file:
            lines = [file.readline(MAX_LINE_BYTES) for _ in range(len(rows) + 1)]
        for line in filter(None, lines):
            data = json.loads(line)
            data.pop("episode_index")
            own_files.append(dict(data.pop("files")))
            own_rows.append(EpisodeRow.from_dict(data))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError(
            expected(str(path), "content", repr(error), "one episode a line")
        ) from error
    lengths = [row.length for row in own_rows]
    if lengths != [row["length"] for row in rows]:
        raise DatasetError(
            expected(
                str(path),
                "lengths",
                f"{len(lengths)} episodes, {sum(lengths)} frames",
                "those of meta/episodes",
            )
        )
    return own_rows, own_files
