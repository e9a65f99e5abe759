"""Feedback: do three cycles that learn from failures beat three of plain DAgger, scene by scene?

Two campaigns a seed on the mid-size yard with all failure modes, of the same budget in training
steps and in labelled frames, so that the answer does not depend on how fast the machine was. One
draws every mode alike, and each of its labelled rollouts lasts as long as its scene; the other
samples by what the last rollouts failed, ends a rollout that is lost, and so drives more of them:
how many was set on the safe side, and what each came to stands in the results. Both are judged on
the same gate scenes of every mode; scenes that only one of them wins decide (exact McNemar test
over all seeds). Campaigns that are there already are not run again.

    python benchmarks/feedback.py [--seeds 4 5 6] [--gate 128] [--runs runs/feedback]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _record import record
from loopyard.cycle.config import Campaign
from loopyard.evaluation.by_mode import results_by_mode
from loopyard.evaluation.record import RolloutRecord, read_records
from loopyard.evaluation.statistics import compare, wilson

CONFIG = Path(__file__).parents[1] / "configs/mid-modes.yaml"
STEPS = (3000, 1800, 1800)
"""Of training, in each cycle."""
EPISODES = 180
"""Of the expert in the first cycle."""
DRIVES = {"feedback": (130, 110), "uniform": (75, 75)}
"""Labelled rollouts of the policy in each later cycle."""
PATIENCE_S = {"feedback": 25.0, "uniform": None}
"""With so much of it, 75 rollouts of a cloned policy had half the frames."""
PARAMS = {"bricks": 2, "time_limit_s": 45}
"""Two bricks and less time: what two cores can learn in minutes, and more drives an hour."""
SELECT = 32
"""Drives that choose a checkpoint."""
BOX_MINUTES = 120
"""Time enough for all of it on two cores."""
ARMS = tuple(DRIVES)


def run(arm: str, seed: int, options: argparse.Namespace) -> Path:
    """The run folder of one campaign, run to its end."""
    name = f"{arm}-{seed}"
    cycles = [{"episodes": EPISODES, "steps": STEPS[0]}] + [
        {"rollouts": drives, "recoveries": 0, "steps": steps}
        for drives, steps in zip(DRIVES[arm], STEPS[1:], strict=True)
    ]
    settings = {
        "name": name,
        "runs": options.runs,
        "seed": seed,
        "budget_minutes": BOX_MINUTES,
        "cycles": json.dumps(cycles),
        "train_shares": list(Campaign.model_fields["train_shares"].default),
        "params": json.dumps(PARAMS),
        "scenarios.sampling": arm,
        "dagger.patience_s": json.dumps(PATIENCE_S[arm]),
        "select.n": SELECT,
        "lessons.apply": False,
        "gate.n": options.gate,
    }
    command = [sys.executable, "-m", "loopyard.surface.cli", "run", str(CONFIG)]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{name}: loopyard run ended with {done.returncode}")
    return Path(options.runs) / name


def gate_records(folder: Path) -> dict[tuple[str, int], RolloutRecord]:
    """By scene, what the judged checkpoint did."""
    (path,) = folder.glob("cycles/*/rollouts/gate.jsonl")
    return {record.scene: record for record in read_records(path)}


def labelled_frames(folder: Path) -> list[int]:
    """Of each cycle's rollouts."""
    found = sorted(folder.glob("cycles/*/generate.json"))[1:]
    return [json.loads(path.read_text(encoding="utf-8"))["frames"] for path in found]


def arm_facts(records: list[RolloutRecord]) -> dict[str, Any]:
    wins = sum(found.outcome.success for found in records)
    modes = results_by_mode((found.scenario.mode, found.outcome) for found in records)
    return {
        "n": len(records),
        "successes": wins,
        "rate": round(wins / len(records), 4),
        "wilson_95": [round(end, 4) for end in wilson(wins, len(records))],
        "modes": {mode: found.to_dict() for mode, found in modes.items()},
    }


def paired(first: dict[Any, RolloutRecord], other: dict[Any, RolloutRecord]) -> dict[str, Any]:
    """The exact test over the scenes that only one of the two won."""
    one, two = ({scene: r.outcome.success for scene, r in arm.items()} for arm in (first, other))
    found = compare(one, two)
    return {
        "n": found.n,
        "only_feedback": found.wins,
        "only_uniform": found.losses,
        "p": round(found.p_value, 6),
    }


def summary(arms: dict[str, dict[Any, RolloutRecord]]) -> dict[str, Any]:
    facts = {arm: arm_facts(list(records.values())) for arm, records in arms.items()}
    return {**facts, "paired": paired(*(arms[arm] for arm in ARMS))}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[4, 5, 6])
    parser.add_argument("--gate", type=int, default=128)
    parser.add_argument("--runs", default="runs/feedback")
    options = parser.parse_args()
    facts: dict[str, Any] = {
        "episodes": EPISODES,
        "drives": DRIVES,
        "patience_s": PATIENCE_S,
        "steps": STEPS,
        "params": PARAMS,
        "seeds": {},
    }
    every: dict[str, dict[Any, RolloutRecord]] = {arm: {} for arm in ARMS}
    for seed in options.seeds:
        folders = {arm: run(arm, seed, options) for arm in ARMS}
        found = {arm: gate_records(folder) for arm, folder in folders.items()}
        for arm in ARMS:
            every[arm] |= {(seed, scene): one for scene, one in found[arm].items()}
        frames = {arm: labelled_frames(folder) for arm, folder in folders.items()}
        facts["seeds"][str(seed)] = {**summary(found), "labelled_frames": frames}
    facts["all_seeds"] = summary(every)
    record("feedback", facts)


if __name__ == "__main__":
    main()
