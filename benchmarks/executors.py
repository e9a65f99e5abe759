"""Executors: what generation loses when Ray runs it on one machine, beside the local executor.

Both make the same dataset, in turn, the first of one turn the last of the next; Ray's cluster lives
for its own turns alone. On a machine that does other things meanwhile, processor time a frame is
the better measure: with all cores busy, the rate is the cores by that.

    python benchmarks/executors.py [--workers 2] [--episodes 100] [--turns 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from _record import record
from loopyard.core.scenario import Scenario
from loopyard.data.episode import EpisodeRow
from loopyard.data.generate import DrivePlan, generate
from loopyard.executors.registry import make_executor

NAMES = ("local", "ray")
RATES = ("frames_per_s", "steady_frames_per_s", "steady_cpu_ms_a_frame")


def one(name: str, workers: int, episodes: int) -> dict[str, Any]:
    """A whole `generate`. cluster_s: to start Ray's. start_s: until the first episode is there.
    frames_per_s: of all of it, less the cluster's start; steady: after each worker's first episode;
    cpu: of this process and all below it, Ray's own included."""
    begin_s = time.monotonic()
    executor = make_executor(name, workers)
    cluster_s = time.monotonic() - begin_s
    ends: list[tuple[float, float, int]] = []

    def on_episode(row: EpisodeRow) -> None:
        ends.append((time.monotonic(), cpu_s(), row.length))

    with tempfile.TemporaryDirectory() as folder:
        plan = DrivePlan(Scenario(world="yard"), Path(folder) / "dataset")
        begin_s = time.monotonic()
        made = generate(plan, episodes, executor, on_episode)
        wall_s = time.monotonic() - begin_s
    if name == "ray":
        import ray

        ray.shutdown()
    first = workers - 1
    frames = sum(length for _, _, length in ends[first + 1 :])
    steady_s, steady_cpu_s = (ends[-1][of] - ends[first][of] for of in (0, 1))
    return {
        "frames_per_s": round(made.frames / wall_s, 1),
        "steady_frames_per_s": round(frames / steady_s, 1),
        "steady_cpu_ms_a_frame": round(1000 * steady_cpu_s / frames, 3),
        "start_s": round(ends[0][0] - begin_s, 2),
        "cluster_s": round(cluster_s, 2),
        "failed": made.failed,
        "digest": made.dataset.digest,
    }


def cpu_s() -> float:
    """Processor seconds of this process and all that live below it."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            parents[pid], used[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    own = {os.getpid()}
    while below := {pid for pid, parent in parents.items() if parent in own} - own:
        own |= below
    return sum(used[pid] for pid in own) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()
    turns: list[dict[str, Any]] = []
    for turn in range(options.turns):
        order = sorted(NAMES, reverse=bool(turn % 2))
        turns.append({name: one(name, options.workers, options.episodes) for name in order})
        print(turns[-1], file=sys.stderr, flush=True)
    digests = {turn[name].pop("digest") for turn in turns for name in NAMES}
    ratios = {
        rate: [round(turn["ray"][rate] / turn["local"][rate], 3) for turn in turns]
        for rate in RATES
    }
    facts = {
        "workers": options.workers,
        "episodes": options.episodes,
        "same_dataset": len(digests) == 1,
        "load_before": [round(load, 2) for load in load],
        "turns": turns,
        "ray_to_local": ratios,
        "ray_to_local_median": {rate: statistics.median(found) for rate, found in ratios.items()},
    }
    record("executors", facts)


if __name__ == "__main__":
    main()
