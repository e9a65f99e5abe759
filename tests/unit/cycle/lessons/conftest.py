"""Cycles of a run folder, in the shape that a campaign on the full yard left them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopyard.cycle.config import Campaign

ZERO = {"steering": 11.7, "throttle": 24.3, "bucket": 46.5, "lift": 48.3}
LOSSES = {"steering": 0.115, "throttle": 0.151, "bucket": 0.074, "lift": 0.05}


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign.model_validate(
        {
            "name": "trial",
            "runs": tmp_path,
            "preset": "mid",
            "train_shares": [1, 1, 1, 1],
            "scenarios": {},
            "dagger": {"rollouts": 36},
        }
    )


class Cycles:
    """Writes cycles of one run folder. What a test does not name is fine."""

    def __init__(self, run: Path) -> None:
        self.run = run
        run.mkdir(parents=True, exist_ok=True)
        put(run / "campaign.yaml", "name: trial\n")
        put(run / "measure.json", {"episode_s": 1.951, "rollout_s": 2.306, "samples_per_s": 640.8})
        parts = [
            {"cycle": cycle, "episodes": 150 if cycle == 1 else 0, "rollouts": 36 * (cycle > 1)}
            for cycle in (1, 2, 3, 4)
        ]
        put(run / "plan.json", {"cycles": parts, "gate": 20})

    def write(
        self,
        cycle: int,
        *,
        zero: dict[str, float] | None = None,
        losses: dict[str, float] | None = None,
        val: tuple[float, float] = (0.125, 0.118),
        made: dict[str, Any] | None = None,
        progress: dict[str, Any] | None = None,
        successes: int = 18,
        modes: dict[str, Any] | None = None,
    ) -> None:
        folder = self.run / f"cycles/{cycle:02d}"
        checks = [
            check("zero", channel, share) for channel, share in {**ZERO, **(zero or {})}.items()
        ]
        put(folder / "audit.json", {"path": "d", "verdict": "pass", "checks": checks})
        usual = {"episodes": 150, "frames": 149100, "failed": 6, "demonstrated": 150}
        if cycle > 1:
            usual = {"episodes": 36, "frames": 39010, "failed": 23, "rollouts": 36}
        put(folder / "generate.json", usual | (made or {}))
        channels = {**LOSSES, **(losses or {})}
        row = {"loss": sum(channels.values()) / len(channels), "loss_per_channel": channels}
        rows = [
            {"step": 500, "share": 0.5, **row, "val_loss": val[0]},
            {"step": 975, "share": 0.97, **row},
            {"step": 1000, "share": 1.0, **row, "val_loss": val[1]},
        ]
        put(folder / "checkpoints/log.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        state = {"step": 1000, "rollbacks": 0, "skipped": [], "pieces": 1}
        put(folder / "checkpoints/last/resume.json", state | (progress or {}))
        put(folder / "rollouts/select.json", {"n": 20, "successes": successes, "rate": 0.9})
        if modes is not None:
            put(folder / "modes.json", {"cycle": cycle, "modes": modes})


def check(name: str, channel: str, percent: float) -> dict[str, str]:
    return {
        "name": f"{name}: {channel}",
        "verdict": "pass",
        "found": f"{percent:.1f}% of frames",
        "expected": "at most 70%",
        "where": "action",
    }


def put(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def cycles(campaign: Campaign) -> Cycles:
    return Cycles(campaign.folder)
