"""Generation: finished dataset frames a second, and peak memory a worker, beside a plain loop.

The peer is what one writes first: one process, MuJoCo's renderer as it comes (shadows, four samples
a pixel), the same expert and scenes, frames encoded with the same settings. Both run in this call.

    python benchmarks/generation.py [--workers 2] [--episodes 200] [--repeats 3] [--full-episodes 4]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from _drives import MeasuredDrive
from _record import record
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.data.generate import DrivePlan, generate
from loopyard.executors.local import LocalExecutor

FULL = {"time_limit_s": 40.0, "bricks": 10}
"""The full yard at 640 x 480 and 30 Hz; drives cut to 40 s so that the benchmark stays short."""


def starter(workers: int, episodes: int, repeats: int) -> dict[str, Any]:
    """The median run of several, and the rates of all of them: a machine is never quite alone."""
    runs = sorted((_generated(workers, episodes) for _ in range(repeats)), key=_rate)
    return {**runs[len(runs) // 2], "all_frames_per_s": [_rate(run) for run in runs]}


def _rate(facts: dict[str, Any]) -> float:
    return facts["frames_per_s"]


def _generated(workers: int, episodes: int) -> dict[str, Any]:
    """A whole `generate`, sealed."""
    with tempfile.TemporaryDirectory() as folder:
        plan = DrivePlan(Scenario(world="yard"), Path(folder) / "dataset")
        return generate(plan, episodes, LocalExecutor(workers)).facts()


def drives(scenario: Scenario, workers: int, episodes: int) -> dict[str, Any]:
    """Drives without the condition that they succeed: for the rate and the memory alone."""
    with tempfile.TemporaryDirectory() as folder:
        plan = DrivePlan(scenario, Path(folder) / "dataset")
        begin_s = time.monotonic()
        rows = list(LocalExecutor(workers).map(partial(MeasuredDrive, plan), range(episodes)))
        wall_s = time.monotonic() - begin_s
    rows.sort()
    frames = sum(length for _, length, _ in rows)
    peaks = [peak for _, _, peak in rows]
    return {
        "episodes": episodes,
        "frames": frames,
        "wall_s": round(wall_s, 2),
        "frames_per_s": round(frames / wall_s, 1),
        "peak_mib_first": round(peaks[0], 1),
        "peak_mib_last": round(max(peaks), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--full-episodes", type=int, default=4)
    options = parser.parse_args()
    plain = Scenario(world="yard", params={"pretty": True})
    full = Scenario(world="yard", preset="full", params=FULL)
    facts = {
        "starter_96x96_10hz": starter(options.workers, options.episodes, options.repeats),
        "starter_memory": drives(Scenario(world="yard"), options.workers, 60),
        "starter_peer_plain_loop": drives(plain, 1, 4),
        "full_640x480_30hz": drives(full, options.workers, options.full_episodes),
    }
    ours = facts["starter_96x96_10hz"]["frames_per_s"]
    facts["ratio_to_peer"] = round(ours / facts["starter_peer_plain_loop"]["frames_per_s"], 1)
    record("generation", facts)


if __name__ == "__main__":
    main()
