"""Names a policy by its content, so that a resumed evaluation never mixes two policies."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from loopyard.core.errors import CheckpointError

DIGEST_DIGITS = 16
DECIDING_SUFFIXES = (".safetensors", ".json")
"""Files of a checkpoint that decide how it drives: weights, configuration, processing."""

RECORDED_ONLY = ("training.json", "manifest.json", "resume.json", "resume.safetensors")
"""How it was trained, and what training needs to go on: the seconds it took among them, so that
two trainings to the same weights would differ."""
READ_BYTES = 1 << 20


def policy_digest(source: str | Path, **execution: Any) -> str:
    """16 hex digits of a checkpoint folder's deciding files, or of a baseline's name.

    execution: how its chunks are executed (``n_action_steps``), which changes how it drives.

    Raises:
        CheckpointError: the folder holds no such file.
    """
    digest = hashlib.sha256()
    folder = Path(source)
    if folder.is_dir():
        files = [
            path
            for path in sorted(folder.iterdir())
            if path.suffix in DECIDING_SUFFIXES and path.name not in RECORDED_ONLY
        ]
        if not files:
            raise CheckpointError(
                f"{folder}: found no weights or configuration, expected a "
                "checkpoint folder with config.json and model.safetensors"
            )
        for path in files:
            digest.update(path.name.encode() + b"\0")
            _feed(digest, path)
    else:
        digest.update(str(source).encode())
    digest.update(repr(sorted(execution.items())).encode())
    return digest.hexdigest()[:DIGEST_DIGITS]


def _feed(digest: Any, path: Path) -> None:
    with path.open("rb") as stream:
        while block := stream.read(READ_BYTES):
            digest.update(block)
