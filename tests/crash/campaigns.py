"""A campaign of seconds, the same every time, and what its end comes to."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

SETTINGS: dict[str, Any] = {
    "name": "toy",
    "world": "reach_world:ReachWorld",
    "preset": "",
    "budget_minutes": 600,
    "cycles": [{"episodes": 20, "steps": 6}, {"rollouts": 10, "steps": 6}],
    "n_action_steps": 2,
    "workers": 1,
    "videos": 1,
    "select": {"n": 4},
    "gate": {"n": 6, "target": 0.5, "floor": 0.1},
    "lessons": {"apply": False},
    "train": {
        **{"batch_size": 16, "warmup_steps": 1, "ema_decay": 0.5, "threads": 1, "bf16": "off"},
        **{"checkpoint_every": 3, "log_every": 2, "policy_options": {"hidden": 16, "vision": 16}},
    },
}
"""Training by steps and far more time than it needs: nothing depends on the clock."""


def write_campaign(folder: Path) -> Path:
    """Its file; its run folder will be ``runs/toy``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(SETTINGS))
    return path


def outcome(run: Path) -> dict[str, Any]:
    """All that a finished campaign made: digests of files, and what each drive came to."""
    found: dict[str, Any] = {}
    for dataset in sorted(run.glob("cycles/*/dataset")):
        own = json.loads((dataset / "meta/loopyard.json").read_text())
        found[f"{dataset.relative_to(run)}"] = own["digest"]
        for path in sorted(dataset.rglob("*.parquet")) + sorted(dataset.rglob("*.mp4")):
            if ".shards" not in path.parts:
                found[str(path.relative_to(run))] = sha256(path.read_bytes())
    for folder in sorted(run.glob("cycles/*/checkpoints")):
        parts = checkpoints(folder).items()
        found |= {f"{folder.relative_to(run)}/{name}": digest for name, digest in parts}
    for path in sorted(run.glob("cycles/*/rollouts/*.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        found[str(path.relative_to(run))] = sorted(
            (row["seed"], json.dumps(row["outcome"], sort_keys=True)) for row in rows
        )
    return found


def checkpoints(folder: Path) -> dict[str, str]:
    """sha256 of every file of the last and the best checkpoint, wall times left out."""
    found = {}
    for path in sorted([*folder.glob("last/*"), *folder.glob("best/*")]):
        data = path.read_bytes()
        if path.name == "resume.json":
            data = json.dumps({**json.loads(data), "seconds": 0}).encode()
        if path.name != "manifest.json":
            found[f"{path.parent.name}/{path.name}"] = sha256(data)
    return found


def steps_done(run: Path) -> list[str]:
    """The finished steps in order; one done twice stands there twice."""
    with closing(sqlite3.connect(f"file:{run}/events.sqlite?mode=ro", uri=True)) as log:
        rows = log.execute("SELECT data FROM events WHERE kind = 'step_done' ORDER BY seq")
        return [json.loads(data)["step"] for (data,) in rows]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
