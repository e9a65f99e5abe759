"""Recordings of any form, as a dataset for as long as a command needs one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopyard.core.errors import DatasetError

if TYPE_CHECKING:
    from loopyard.surface.console import Console


@contextmanager
def as_dataset(
    path: Path, keep: Path | None, params: Mapping[str, Any], workers: int, console: Console
) -> Iterator[Path]:
    """The dataset at ``path``; where recordings of another form lie there, one read from them.

    keep: the folder to read them into, which stays; None is one that is removed afterwards. params:
    settings of their form.

    Raises:
        DatasetError: ``path`` is a file of no form that is known, or an episode cannot be read.
        NoSpaceError: the disk is full.
    """
    form = _form_of(path, params)
    if form is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="loopyard-audit-") as folder:
        out = keep or Path(folder) / path.stem
        _read(form, path, out, params, workers, console)
        yield out


def _form_of(path: Path, params: Mapping[str, Any]) -> str | None:
    """None where a dataset lies there, or a folder of which no form can be told: an audit says
    what is wrong with it."""
    from loopyard.data.importers.registry import sniffed
    from loopyard.data.json_file import read_json
    from loopyard.data.layout import INFO_FILE

    info = path / INFO_FILE
    if os.path.lexists(info):
        with suppress(DatasetError):
            facts = read_json(info) if info.is_file() else None
            if isinstance(facts, dict) and str(facts.get("codebase_version")).startswith("v2"):
                return "lerobot"
        return None
    if not (path.is_dir() or path.is_file()):
        return None
    try:
        return sniffed(path, dict(params))
    except DatasetError:
        if path.is_file():
            raise
        return None


def _read(
    form: str, path: Path, out: Path, params: Mapping[str, Any], workers: int, console: Console
) -> None:
    from loopyard.data.importers import import_recordings
    from loopyard.executors.local import LocalExecutor

    with console.progress(None, "episodes", "import") as progress:
        made = import_recordings(
            form,
            path,
            out,
            LocalExecutor(workers),
            params=dict(params),
            on_start=lambda total, done: progress.update(done, total),
            on_episode=lambda _: progress.advance(),
        )
    for note in made.notes:
        console.warn(note)
    console.print(f"read as {form}: {made.dataset.num_episodes} episodes")
