"""Is a run folder whole? Every manifest, every artifact that an event names, the log itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from loopyard.core.errors import StoreError
from loopyard.cycle.journal import STEP_DONE
from loopyard.cycle.state import LOG, PROMOTE, require_run, state_of
from loopyard.store.artifacts import artifact_damage, folder_damage
from loopyard.store.event_reader import log_damage, read_events
from loopyard.store.events import Event
from loopyard.store.manifest import MANIFEST_NAME

BEST = "best"


@dataclass(frozen=True)
class Verification:
    """What was looked at and what is wrong.

    artifacts: files and folders that events name. folders: those with a manifest, all of them.
    damages: a line each, with the path first.
    """

    artifacts: int
    folders: int
    damages: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.damages


def verify_run(run: Path) -> Verification:
    """Read all of a run folder that anything is trusted of; changes nothing, also while it runs.

    Raises:
        ConfigError: the folder is no run folder.
    """
    require_run(run)
    damages = log_damage(run / LOG)
    events = [] if damages else read_events(run / LOG)
    artifacts = _trusted(events)
    for name, digest in artifacts.items():
        damages += _looked_at_twice(lambda n=name, d=digest: _damage(run, n, d))
    folders = [path.parent for path in _manifests(run)]
    named = {run / name for name in artifacts}
    for folder in folders:
        if folder not in named:
            damages += _looked_at_twice(lambda f=folder: folder_damage(f) if f.exists() else [])
    damages += [*_unreadable(run), *_best(run, events)]
    return Verification(len(artifacts), len(folders), tuple(damages))


def _trusted(events: list[Event]) -> dict[str, str]:
    """{path: digest} as the last event that names a path has it."""
    found: dict[str, str] = {}
    for event in events:
        if event.kind == STEP_DONE:
            found |= event.data.get("artifacts", {})
    return found


def _damage(run: Path, name: str, digest: str) -> list[str]:
    try:
        return artifact_damage(run, {name: digest})
    except StoreError as error:
        return [str(error)]


def _looked_at_twice(look: Callable[[], list[str]]) -> list[str]:
    """A folder that is replaced while it is read is not damaged; one that is, stays so."""
    return look() and look()


def _manifests(run: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(run):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if MANIFEST_NAME in names:
            found.append(Path(root) / MANIFEST_NAME)
    return found


def _unreadable(run: Path) -> list[str]:
    """Files that people and reports read and that no event names, cut or overwritten."""
    lines = []
    for path in sorted([*run.glob("*.json"), *run.glob("cycles/*/*.json"), *run.glob("*.yaml")]):
        try:
            text = path.read_text(encoding="utf-8")
            yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)
        except (ValueError, OSError, yaml.YAMLError) as error:
            lines.append(f"{path}: {type(error).__name__}: {str(error).splitlines()[0]}")
    return lines


def _best(run: Path, events: list[Event]) -> list[str]:
    """``best`` leads to a checkpoint in the run folder; it is there once one was promoted."""
    link = run / BEST
    if not os.path.lexists(link):
        verdict = state_of(events).verdict or {}
        promoted = verdict.get("verdict") == PROMOTE
        return [f"{link}: missing, but the event log says promoted"] if promoted else []
    target = link.resolve()
    if not link.is_symlink() or not target.is_relative_to(run.resolve()):
        return [f"{link}: leads to {target}, expected a checkpoint in the run folder"]
    return [] if (target / MANIFEST_NAME).is_file() else [f"{link}: leads to nothing whole"]
