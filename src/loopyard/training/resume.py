"""Where a run goes on from, and whether it is the same run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from loopyard.core.errors import CheckpointError, StoreError, expected
from loopyard.policies.checkpoint import checkpoint_folder
from loopyard.store.manifest import read_manifest
from loopyard.training.config import TrainConfig
from loopyard.training.journal import LOG, seconds_used
from loopyard.training.kept import LAST, top_name
from loopyard.training.state import Progress, read_progress


def settings_digest(config: TrainConfig) -> str:
    """Names the settings that a resumed run must share: all but budget, logging and keeping."""
    free = {
        "minutes",
        "steps",
        "epochs",
        "checkpoint_every",
        "keep",
        "keep_top",
        "save_every_s",
        "threads",
        "log_every",
        "allow_failed_audit",
    }
    settings = config.model_dump(mode="json", exclude=free)
    if config.init_from is not None:
        settings["init_from"] = _content_of(config.init_from)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _content_of(checkpoint: Path) -> str:
    """Names the network that a checkpoint holds, wherever it lies: a run that was moved goes on.

    What its own training recorded does not count: that holds the seconds it took.
    """
    try:
        manifest = read_manifest(checkpoint_folder(checkpoint))
    except StoreError:
        return str(checkpoint)  # a foreign one has no manifest
    recorded = ("training.json", "resume.")
    held = [file for file in manifest["files"] if not file["path"].startswith(recorded)]
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


def found_progress(config: TrainConfig, out: Path, *, resume: bool) -> Progress | None:
    last = out / LAST
    if not last.exists():
        return None
    if not resume:
        raise CheckpointError(
            expected(
                str(last),
                "checkpoint",
                "one of an earlier run",
                "none; --resume goes on from it, or choose another --out",
            )
        )
    progress = read_progress(last)
    if progress.config_digest != settings_digest(config):
        raise CheckpointError(
            expected(
                str(last),
                "settings",
                progress.config_digest,
                f"{settings_digest(config)}: the settings of this run; "
                "only the budget may change on --resume",
            )
        )
    progress.top = [(loss, step) for loss, step in progress.top if (out / top_name(step)).is_dir()]
    # what a killed run did past its checkpoint is lost; the time it took is not given back
    progress.seconds = max(progress.seconds, seconds_used(out / LOG))
    return progress
