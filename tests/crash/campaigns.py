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
    "cycles": [{"episodes": 8, "steps": 6}, {"episodes": 4, "rollouts": 4, "steps": 6}],
    "n_action_steps": 2,
    "workers": 1,
    "videos": 1,
    "select": {"n": 3},
    "gate": {"n": 4, "target": 0.5, "floor": 0.1},
    "lessons": {"apply": False},
    "train": {
        **{"batch_size": 16, "warmup_steps": 1, "ema_decay": 0.5, "threads": 1, "bf16": "off"},
        **{"checkpoint_every": 3, "log_every": 2, "policy_options": {"hidden": 16, "vision": 16}},
    },
}
"""Training by steps and far more time than it needs: nothing depends on the clock. The second
cycle's expert drives while the first one trains."""

MEASURED = {"measure", "plan"}
"""Steps that say how fast this machine was, and what follows from that."""
TIMES = {
    **dict.fromkeys(("took_s", "wall_s", "seconds_used", "rollout_s_mean"), "how long it took"),
    **dict.fromkeys(("inference_p50_ms", "inference_p99_ms"), "how long the policy thought"),
    **dict.fromkeys(("frames_per_s", "samples_per_s"), "the rate"),
    "new_frames": "how many of the frames the last try drove",
    "reused": "how many of the drives an earlier try had done",
    "ahead": "whether it was made beside a training: after a kill it is made when its turn comes",
}
"""Fields in which two runs differ by their nature, and what they say."""


def write_campaign(folder: Path) -> Path:
    """Its file; its run folder will be ``runs/toy``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(SETTINGS))
    return path


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    """What the events of a kind say, in order."""
    text = "SELECT data FROM events WHERE kind = ? ORDER BY seq"
    return [json.loads(data) for data in column(run / "events.sqlite", text, kind)]


def column(database: Path, text: str, *values: str) -> list[Any]:
    """The first column of what an SQL query finds."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return [row[0] for row in opened.execute(text, values)]


def outcome(run: Path) -> dict[str, Any]:
    """All that the event log of a finished campaign names, times left out: each step's facts, and
    of each artifact the sha256 of every file in its manifest."""
    found: dict[str, Any] = {}
    for step in events(run, "step_done"):
        if step["step"].split("-")[0] in MEASURED:
            continue
        found[step["step"]] = timeless(step["facts"])
        for artifact in step["artifacts"]:
            for path in files_of(run / artifact):
                found[str(path.relative_to(run))] = content(path)
    return found


def files_of(artifact: Path) -> list[Path]:
    """Those that the artifact's manifest names; of a file, itself."""
    if artifact.is_file():
        return [artifact]
    manifest = json.loads((artifact / "manifest.json").read_text())
    return [artifact / entry["path"] for entry in manifest["files"]]


def content(path: Path) -> Any:
    """sha256 of a file; of JSON, after times are left out; rows of drives in the order of their
    scenes, since they stand there in the order they ended in."""
    if path.name == "resume.json":  # its `seconds` are of training
        return {**json.loads(path.read_text()), "seconds": 0}
    if path.suffix == ".json":
        return timeless(json.loads(path.read_text()))
    if path.suffix == ".jsonl":
        rows = [json.dumps(timeless(json.loads(row))) for row in path.read_text().splitlines()]
        return sorted(rows)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def timeless(value: Any) -> Any:
    """A JSON value without its times."""
    if isinstance(value, dict):
        return {name: timeless(part) for name, part in value.items() if name not in TIMES}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def require_once(run: Path) -> None:
    """Nothing was lost or done twice: no step, no message, no drive."""
    steps = [step["step"] for step in events(run, "step_done")]
    assert len(steps) == len(set(steps)), "a finished step was done again"
    # a kill between log and outbox has a message said again in the log, and sent once all the same
    said = {message["message"]["key"] for message in events(run, "message")}
    posted = column(run / "outbox.sqlite", "SELECT key FROM outbox WHERE channel = 'log'")
    assert sorted(said) == sorted(posted), "a message was lost, or posted twice"
    for path in run.glob("cycles/*/rollouts/*.jsonl"):
        rows = [json.loads(row) for row in path.read_text().splitlines()]
        drives = [(row["seed"], json.dumps(row["scenario"])) for row in rows]
        assert len(drives) == len(set(drives)), f"{path}: a scene was driven twice"
